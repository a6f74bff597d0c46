using System.IO.Hashing;
using MoCoSharp.Data.Datasets;
using MoCoSharp.Data.Images;
using MoCoSharp.Data.Packing;
using MoCoSharp.Data.Tests.Images;
using MoCoSharp.Data.Tests.Kernels;
using MoCoSharp.Data.Tests.Loading;
using MoCoSharp.Data.Views;

namespace MoCoSharp.Data.Tests.Datasets;

public sealed class PackedImagesTests : IDisposable
{
    private readonly TempFolder temp = new();

    public void Dispose() => temp.Dispose();

    [Fact]
    public void Raw_HoldsTheResizedPixels_LabelsAndNames()
    {
        temp.Write("photos/a/large.png", ImageEncoder.Png(KernelTests.Noise(50, 40, 0)));
        temp.Write("photos/b/small.png", ImageEncoder.Png(KernelTests.Noise(9, 21, 2)));
        var source = ImageFolder.Open(temp["photos"]);

        var result = PackWriter.Write(source, temp["set.moco"], new PackOptions { ShortSide = 16 });
        var (train, validation) = DataSource.Open(temp["set.moco"], null);

        using var packed = Assert.IsType<PackedImages>(train);
        Assert.Null(validation);
        Assert.Equal(
            (2, PackFormat.Raw, 16, source.Description),
            (packed.Count, packed.Format, packed.ShortSide, packed.Note));
        Assert.Equal((2, new FileInfo(temp["set.moco"]).Length), (result.Images, result.SizeBytes));
        Assert.Equal(["a", "b"], packed.ClassNames);
        using var canvas = new ViewCanvas(source.Read(0).Image);
        new Resize(16).Apply(canvas);
        using var first = packed.Read(0).Image;
        Assert.Equal((20, 16), (first.Width, first.Height));
        Assert.Equal(canvas.Pixels.ToArray(), first.Pixels);
        Assert.Equal(source.Read(1).Image.Pixels, packed.Read(1).Image.Pixels); // smaller: as it was
        for (var i = 0; i < 2; i++)
        {
            Assert.Equal((source.NameOf(i), source.LabelOf(i)), (packed.NameOf(i), packed.LabelOf(i)));
            Assert.Equal(i, packed.Read(i).Label);
        }

        Assert.Throws<ArgumentOutOfRangeException>(() => packed.Read(2));
        Assert.Equal([temp["photos"], temp["set.moco"]], Directory.GetFileSystemEntries(temp.Path).Order());
    }

    [Fact]
    public void Raw_GivesTheViewsOfTheSameImagesInMemory()
    {
        var source = new FakeImages(6);
        PackWriter.Write(source, temp["set.moco"], new PackOptions { ShortSide = 0 });
        using var packed = PackedImages.Open(temp["set.moco"]);
        Assert.Empty(packed.ClassNames);
        var transform = ViewRecipes.Train(new ViewOptions { Size = 8 });
        for (var i = 0; i < 6; i++)
        {
            var (expected, actual) = (new float[192], new float[192]);
            var (one, other) = (new SampleRandom(0, 0, i, 0), new SampleRandom(0, 0, i, 0));
            transform.Write(source.Read(i).Image, ref one, expected);
            transform.Write(packed.Read(i).Image, ref other, actual);
            Assert.Equal(expected, actual);
        }
    }

    [Fact]
    public void Jpeg_KeepsFilesThatNeedNoResize_AndEncodesTheOthers()
    {
        var file = GoldenImages.BytesOf("rgb-420.jpg");
        temp.Write("photos/a.jpg", file);
        temp.Write("photos/b.png", ImageEncoder.Png(KernelTests.Noise(64, 48, 0)));
        PackWriter.Write(
            ImageFolder.Open(temp["photos"]),
            temp["set.moco"],
            new PackOptions { Format = PackFormat.Jpeg, ShortSide = 40 });

        using var packed = PackedImages.Open(temp["set.moco"]);

        Assert.True(File.ReadAllBytes(temp["set.moco"]).AsSpan().IndexOf(file) > 0);
        Assert.Equal(ImageDecoder.Decode(file, "a.jpg").Pixels, packed.Read(0).Image.Pixels);
        var resized = packed.Read(1).Image;
        Assert.Equal((53, 40), (resized.Width, resized.Height));
    }

    [Fact]
    public void BrokenImages_AreLeftOutAndTold_AndASetOfNothingElseIsRefused()
    {
        var result = PackWriter.Write(new FakeImages(70, 3, 69), temp["set.moco"], new PackOptions());

        Assert.Equal(68, result.Images);
        Assert.Equal(["image 3: it is made so.", "image 69: it is made so."], result.Broken);
        using (var packed = PackedImages.Open(temp["set.moco"]))
        {
            Assert.Equal("image 4", packed.NameOf(3));
        }

        Assert.Contains(
            "none of its 2 images",
            Assert
                .Throws<BrokenImageException>(() =>
                    PackWriter.Write(new FakeImages(2, 0, 1), temp["none.moco"], new PackOptions()))
                .Message);
        Assert.Equal([temp["set.moco"]], Directory.GetFiles(temp.Path)); // nothing half-made is left
    }

    [Fact]
    public void ADamagedImage_IsBroken_AndTheOthersAreNot()
    {
        PackWriter.Write(new FakeImages(3), temp["set.moco"], new PackOptions());
        var bytes = File.ReadAllBytes(temp["set.moco"]);
        var second = bytes.AsSpan().IndexOf(new FakeImages(3).Read(1).Image.Pixels);
        bytes[second + 100] ^= 1;
        using var packed = PackedImages.Open(temp.Write("damaged.moco", bytes));

        Assert.Equal(360, packed.Read(0).Image.Pixels.Length);
        Assert.Contains("image 1 is damaged", Assert.Throws<BrokenImageException>(() => packed.Read(1)).Message);
        Assert.Equal(360, packed.Read(2).Image.Pixels.Length);
    }

    [Theory]
    [InlineData(9, "the header is damaged")] // the version
    [InlineData(61, "the header is damaged")]
    [InlineData(0, "does not begin like a packed set")]
    [InlineData(-1, "the index is damaged")]
    public void ADamagedFile_IsRefusedWithTheCure(int at, string told)
    {
        PackWriter.Write(new FakeImages(3), temp["set.moco"], new PackOptions());
        var bytes = File.ReadAllBytes(temp["set.moco"]);
        bytes[at < 0 ? bytes.Length + at : at] ^= 4;

        var message = Assert
            .Throws<DataSourceException>(() => PackedImages.Open(temp.Write("damaged.moco", bytes)))
            .Message;

        Assert.Contains(told, message);
        Assert.Contains("moco pack", message);
    }

    [Fact]
    public void AFileCutShort_OrOfANewerVersion_IsRefused()
    {
        PackWriter.Write(new FakeImages(3), temp["set.moco"], new PackOptions());
        var bytes = File.ReadAllBytes(temp["set.moco"]);
        Assert.Contains(
            "cut short",
            Assert.Throws<DataSourceException>(() => PackedImages.Open(temp.Write("cut.moco", bytes[..^1]))).Message);

        bytes[8] = 2;
        BitConverter.TryWriteBytes(bytes.AsSpan(60), Crc32.HashToUInt32(bytes.AsSpan(0, 60)));
        Assert.Contains(
            "newer moco",
            Assert.Throws<DataSourceException>(() => PackedImages.Open(temp.Write("new.moco", bytes))).Message);
    }

    [Theory]
    [InlineData(PackFormat.Raw)]
    [InlineData(PackFormat.Jpeg)]
    public void ADisposedSet_ClosesItsFile_AndRefusesReads(PackFormat format)
    {
        PackWriter.Write(new FakeImages(3), temp["set.moco"], new PackOptions { Format = format });
        var packed = PackedImages.Open(temp["set.moco"]);
        var image = packed.Read(0).Image;

        packed.Dispose();

        Assert.Throws<ObjectDisposedException>(() => packed.Read(1));
        if (format == PackFormat.Raw)
        {
            Assert.Throws<ObjectDisposedException>(() => image.AsSpan().Length);
            Assert.Throws<ObjectDisposedException>(() => image.Pixels);
        }

        File.Delete(temp["set.moco"]); // Windows refuses this for an open file
        if (OperatingSystem.IsLinux())
        {
            Assert.DoesNotContain(temp["set.moco"], File.ReadAllText("/proc/self/maps"));
        }
    }

    [Fact]
    public void AFileThatShrinksInUse_IsBrokenInsteadOfACrash()
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "Windows does not shorten a mapped file");
        PackWriter.Write(new FakeImages(3), temp["set.moco"], new PackOptions());
        using var packed = PackedImages.Open(temp["set.moco"]);
        using (var file = new FileStream(temp["set.moco"], FileMode.Open, FileAccess.Write, FileShare.ReadWrite))
        {
            file.SetLength(100);
        }

        Assert.Contains("shorter", Assert.Throws<BrokenImageException>(() => packed.Read(2)).Message);
    }
}
