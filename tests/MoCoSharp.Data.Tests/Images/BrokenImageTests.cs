using System.Diagnostics;
using System.Net.Sockets;
using MoCoSharp.Data.Images;

namespace MoCoSharp.Data.Tests.Images;

/// <summary>What a stranger's folder may hold: named, never a crash, never a wait.</summary>
public sealed class BrokenImageTests : IDisposable
{
    private readonly string folder = Directory.CreateTempSubdirectory("moco-images-").FullName;

    public void Dispose() => Directory.Delete(folder, recursive: true);

    [Theory]
    [InlineData("rgb-420.jpg")]
    [InlineData("rgb-progressive.jpg")]
    [InlineData("grey.jpg")]
    [InlineData("cmyk.jpg")]
    [InlineData("rgb.png")]
    [InlineData("palette.gif")]
    [InlineData("lossless.webp")]
    [InlineData("lossy.webp")]
    [InlineData("rgb.bmp")]
    [InlineData("lzw.tif")]
    public void Decode_FileCutAnywhere_IsBroken(string file)
    {
        var whole = GoldenImages.BytesOf(file);
        foreach (var share in new[] { 0.05, 0.3, 0.5, 0.7, 0.9 })
        {
            var cut = whole[..(int)(whole.Length * share)];

            foreach (var decoder in new[] { JpegDecoder.Auto, JpegDecoder.Skia })
            {
                var error = Assert.Throws<BrokenImageException>(() =>
                    ImageDecoder.Decode(cut, "photos/a.jpg", new DecodeRequest { Jpeg = decoder }));

                Assert.StartsWith("photos/a.jpg: ", error.Message, StringComparison.Ordinal);
            }
        }
    }

    [Fact]
    public void Decode_Text_IsBroken() =>
        Assert.Contains(
            "not a JPEG, PNG",
            MessageOf("Dear reader, this is no photo."u8.ToArray()),
            StringComparison.Ordinal);

    [Theory]
    [InlineData("\0\0\0\u0018ftypheic\0\0\0\0mif1heic", "is a HEIC image")]
    [InlineData(
        "version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 12345\n",
        "is a Git LFS pointer, not the file itself. Fetch it with `git lfs pull`."
    )]
    [InlineData("<!DOCTYPE html><html><body>404 Not Found</body></html>", "is an HTML page")]
    [InlineData("\u0089PNG\r\n\u001A\n", "begins as a PNG image, but cannot be decoded")]
    [InlineData("\0\0\u0001\0\u0001\0\u0001\u0001\0\0\u0001\0\u0020\0\u0030\0\0\0\u0016\0\0\0", "is an icon")]
    public void Decode_AnotherKind_SaysWhichAndWhatHelps(string file, string told) =>
        Assert.Contains(told, MessageOf(System.Text.Encoding.Latin1.GetBytes(file)), StringComparison.Ordinal);

    [Theory]
    [InlineData("II*\0\u0008\0\0\0", "begins as a TIFF image")]
    [InlineData("II*\0\u0010\0\0\0CR\u0002\0", "is a camera's raw file")]
    public void Decode_TiffThatIsNone_SaysWhy(string file, string told) =>
        Assert.Contains(told, MessageOf(System.Text.Encoding.Latin1.GetBytes(file)), StringComparison.Ordinal);

    [Theory]
    [InlineData(256, 256, 100_000_000, "pixels, expected 1 to")] // the width
    [InlineData(278, 254, 1, "is a camera's raw file")] // a preview, as such files begin with
    [InlineData(257, 257, 60_000, "begins as a TIFF image")] // the height, of more strips than there are
    [InlineData(262, 262, 32844, "a TIFF image of a kind that is not read")] // LogL
    [InlineData(277, 277, 2, "a TIFF image of a kind that is not read")] // two samples of RGB
    public void Decode_TiffWithAnEntryOfItsOwn_SaysWhatItIs(int tag, int newTag, int value, string told)
    {
        var file = GoldenImages.BytesOf("rgb-16.tif"); // little-endian, every value in its entry's last four bytes
        var directory = BitConverter.ToInt32(file, 4);
        var entry = Enumerable
            .Range(0, file[directory])
            .Select(i => directory + 2 + (12 * i))
            .First(at => BitConverter.ToUInt16(file, at) == tag);
        BitConverter.TryWriteBytes(file.AsSpan(entry), (ushort)newTag);
        BitConverter.TryWriteBytes(file.AsSpan(entry + 8), value);

        Assert.Contains(told, MessageOf(file), StringComparison.Ordinal);
    }

    [Fact]
    public void Decode_NoBytes_IsBroken() => Assert.Contains("empty", MessageOf([]), StringComparison.Ordinal);

    [Fact]
    public void Decode_AnotherKindThatTheLibraryGuesses_IsBroken() =>
        // WBMP, 8 x 2
        Assert.Contains("expected a JPEG, PNG", MessageOf([0, 0, 8, 2, 0xAA, 0x55]), StringComparison.Ordinal);

    [Theory]
    [InlineData("huge.png", "65535")]
    [InlineData("huge.jpg", "")] // libjpeg ends at 65500
    [InlineData("huge.gif", "65535")]
    [InlineData("huge.bmp", "")] // the library has bounds of its own
    public void ReadFile_HeaderOf65535Squared_IsRefusedBeforeMemoryIsTaken(string file, string told)
    {
        var error = Assert.Throws<BrokenImageException>(() => ImageDecoder.ReadFile(GoldenImages.PathOf(file)));

        Assert.Contains(told, error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Decode_OnePixel_IsAnImage()
    {
        var image = ImageDecoder.Decode(ImageEncoder.Png(new ImageBuffer(1, 1, [1, 2, 3])), "dot.png");

        Assert.Equal((1, 1), (image.Width, image.Height));
        Assert.Equal([1, 2, 3], image.Pixels);
    }

    [Fact]
    public void Png_ReadAgain_IsTheSameImage()
    {
        var image = GoldenImages.ExpectedOf("rgb.png");

        var again = ImageDecoder.Decode(ImageEncoder.Png(image), "again.png");

        Assert.Equal((image.Width, image.Height), (again.Width, again.Height));
        Assert.Equal(image.Pixels, again.Pixels);
    }

    [Fact]
    public void ReadFile_Nothing_IsBroken() =>
        Assert.Contains("no such file", MessageOfFile("missing.jpg"), StringComparison.Ordinal);

    [Fact]
    public void ReadFile_EmptyFile_IsBroken()
    {
        File.WriteAllBytes(PathTo("empty.jpg"), []);

        Assert.Contains("empty", MessageOfFile("empty.jpg"), StringComparison.Ordinal);
    }

    [Fact]
    public void ReadFile_Directory_IsBroken()
    {
        Directory.CreateDirectory(PathTo("x.png"));

        Assert.Contains("directory", MessageOfFile("x.png"), StringComparison.Ordinal);
    }

    [Fact]
    public void ReadFile_DanglingLink_IsBroken()
    {
        File.CreateSymbolicLink(PathTo("link.jpg"), "nowhere.jpg");

        Assert.Contains("dangling link", MessageOfFile("link.jpg"), StringComparison.Ordinal);
    }

    [Fact]
    public void ReadFile_LinkToItself_IsBroken()
    {
        File.CreateSymbolicLink(PathTo("circle.jpg"), "circle.jpg");

        _ = MessageOfFile("circle.jpg");
    }

    [Fact]
    public void ReadFile_NulInTheName_IsBroken()
    {
        File.WriteAllBytes(PathTo("a.png"), GoldenImages.BytesOf("rgb.png"));

        Assert.Contains("NUL", MessageOfFile("a.png\0.jpg"), StringComparison.Ordinal);
    }

    [Fact]
    public void ReadFile_LargerThanAllowed_IsRefusedUnread()
    {
        using (var sparse = File.Create(PathTo("large.jpg")))
        {
            sparse.SetLength(ImageDecoder.LargestFileBytes + 1);
        }

        Assert.Contains($"{ImageDecoder.LargestFileBytes}", MessageOfFile("large.jpg"), StringComparison.Ordinal);
    }

    [Fact(Timeout = 240_000)]
    public async Task ReadFile_PipeThatNobodyWritesTo_IsBrokenAndNotWaitedFor()
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "Windows has no pipes in folders.");
        using (var mkfifo = Process.Start("mkfifo", PathTo("pipe.jpg")))
        {
            await mkfifo.WaitForExitAsync(TestContext.Current.CancellationToken);
        }

        Assert.Contains(
            "pipe",
            await Task.Run(() => MessageOfFile("pipe.jpg"), TestContext.Current.CancellationToken),
            StringComparison.Ordinal);
    }

    [Fact]
    public void ReadFile_SocketOrDevice_IsBroken()
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "Windows has neither in folders.");
        using var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        socket.Bind(new UnixDomainSocketEndPoint(PathTo("socket.jpg")));
        File.CreateSymbolicLink(PathTo("zeros.jpg"), "/dev/zero");

        _ = MessageOfFile("socket.jpg");
        _ = MessageOfFile("zeros.jpg");
    }

    private static string MessageOf(byte[] file) =>
        Assert.Throws<BrokenImageException>(() => ImageDecoder.Decode(file, "a.jpg")).Message;

    private string PathTo(string name) => Path.Combine(folder, name);

    private string MessageOfFile(string name)
    {
        var message = Assert.Throws<BrokenImageException>(() => ImageDecoder.ReadFile(PathTo(name))).Message;
        Assert.StartsWith($"{PathTo(name)}: ", message, StringComparison.Ordinal);
        return message;
    }
}
