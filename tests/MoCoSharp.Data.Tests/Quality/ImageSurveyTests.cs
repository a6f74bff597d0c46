using MoCoSharp.Data.Datasets;
using MoCoSharp.Data.Images;
using MoCoSharp.Data.Quality;
using MoCoSharp.Data.Tests.Datasets;
using MoCoSharp.Data.Tests.Images;

namespace MoCoSharp.Data.Tests.Quality;

public sealed class ImageSurveyTests : IDisposable
{
    private readonly TempFolder temp = new();

    public void Dispose() => temp.Dispose();

    [Fact]
    public void Read_TellsSizeFormatBrightnessAndColor()
    {
        // Red and black halves: luma (0.299 + 0) / 2.
        var pixels = new byte[3 * 50 * 40];
        for (var i = 0; i < pixels.Length / 2; i += 3)
        {
            pixels[i] = 255;
        }

        temp.Write("red.png", ImageEncoder.Png(new ImageBuffer(50, 40, pixels)));
        temp.WriteImage("gray.png", 100);

        var facts = ImageSurvey.Read(ImageFolder.Open(temp.Path));

        Assert.Equal(["gray.png", "red.png"], facts.Select(image => image.Name));
        Assert.Equal((4, 4, "PNG", 0, true), Of(facts[0]));
        Assert.Equal((50, 40, "PNG", 255, false), Of(facts[1]));
        Assert.Equal(100 / 255.0, facts[0].Brightness, 1e-9);
        Assert.Equal(0.1495, facts[1].Brightness, 1e-9);
        Assert.Equal(temp["red.png"], facts[1].Path);

        static (int, int, string, int, bool) Of(ImageFacts image) =>
            (image.Width, image.Height, image.Format, image.ColorRange, image.IsGray);
    }

    [Theory]
    [InlineData(0)] // in a vector
    [InlineData(95)]
    [InlineData(96 * 7)]
    [InlineData((3 * 20 * 12) - 1)] // in the rest
    public void Read_OneOtherPixelAnywhere_ShowsInTheColorRange(int position)
    {
        var pixels = new byte[3 * 20 * 12];
        pixels.AsSpan().Fill(200);
        pixels[position] = 60;
        temp.Write("a.png", ImageEncoder.Png(new ImageBuffer(20, 12, pixels)));

        Assert.Equal(140, ImageSurvey.Read(ImageFolder.Open(temp.Path)).Single().ColorRange);
    }

    [Fact]
    public void Read_CopiesAndOtherFormatsOfOnePicture_HaveEqualHashes()
    {
        temp.WriteImage("a.png", 7);
        File.Copy(temp["a.png"], temp["b.png"]);
        var pixels = new byte[3 * 4 * 4];
        pixels.AsSpan().Fill(7);
        temp.Write("c.bmp", Bmp(4, 4, pixels));
        temp.Write("d.png", ImageEncoder.Png(new ImageBuffer(8, 2, pixels))); // as many pixels of the same color

        var facts = ImageSurvey.Read(ImageFolder.Open(temp.Path));

        Assert.Equal(["PNG", "PNG", "BMP", "PNG"], facts.Select(image => image.Format));
        Assert.Equal(facts[0].FileHash, facts[1].FileHash);
        Assert.NotEqual(facts[0].FileHash, facts[2].FileHash);
        Assert.Equal(facts[0].PixelHash, facts[2].PixelHash);
        Assert.NotEqual(facts[0].PixelHash, facts[3].PixelHash);
    }

    [Fact]
    public void Read_APhotoTurnedByExif_IsUpright()
    {
        File.Copy(GoldenImages.PathOf("rotated-by-exif.jpg"), temp["a.jpg"]);
        var stored = GoldenImages.ExpectedOf("rotated-by-exif.jpg");

        var photo = ImageSurvey.Read(ImageFolder.Open(temp.Path)).Single();

        Assert.True(photo.IsTurned);
        Assert.Equal((stored.Height, stored.Width), (photo.Width, photo.Height));
    }

    [Fact]
    public void Read_BrokenFiles_HaveAFault_AndTheOthersAreRead()
    {
        temp.WriteImage("a.png");
        temp.Write("b.jpg", "<html>no image</html>");
        temp.Write("c.png");

        var facts = ImageSurvey.Read(ImageFolder.Open(temp.Path));

        Assert.Equal([true, false, false], facts.Select(image => image.Fault is null));
        Assert.All(facts.Skip(1), image => Assert.False(image.Fault!.MayPass));
    }

    [Fact]
    public void Read_ACanceledSurvey_Ends() =>
        Assert.Throws<OperationCanceledException>(() => ImageSurvey.Read(
            new Patterns(8, 40, seed: 1), cancellation: new CancellationToken(canceled: true)));

    [Fact]
    public void Read_PixelsWithoutFiles_HaveAPixelHashAlone()
    {
        var facts = ImageSurvey.Read(new Patterns(3, 40, seed: 1));

        Assert.All(facts, image => Assert.Equal((UInt128)0, image.FileHash));
        Assert.Equal(3, facts.Select(image => image.PixelHash).Distinct().Count());
        Assert.All(facts, image => Assert.Null(image.Path));
    }

    // 24 bits, rows from the bottom, blue first.
    private static byte[] Bmp(int width, int height, byte[] pixels)
    {
        var stride = (width * 3) + (-(width * 3) & 3);
        var file = new byte[54 + (stride * height)];
        "BM"u8.CopyTo(file);
        BitConverter.TryWriteBytes(file.AsSpan(2), file.Length);
        BitConverter.TryWriteBytes(file.AsSpan(10), 54);
        BitConverter.TryWriteBytes(file.AsSpan(14), 40);
        BitConverter.TryWriteBytes(file.AsSpan(18), width);
        BitConverter.TryWriteBytes(file.AsSpan(22), height);
        BitConverter.TryWriteBytes(file.AsSpan(26), (short)1);
        BitConverter.TryWriteBytes(file.AsSpan(28), (short)24);
        for (var y = 0; y < height; y++)
        {
            for (var x = 0; x < 3 * width; x++)
            {
                file[54 + ((height - 1 - y) * stride) + x] = pixels[(y * 3 * width) + (x - (x % 3)) + 2 - (x % 3)];
            }
        }

        return file;
    }
}
