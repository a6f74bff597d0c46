using MoCoSharp.Data.Images;

namespace MoCoSharp.Data.Tests.Images;

public sealed class DecodeRequestTests
{
    // A pixel for each letter, as the eight orientations store the same upright picture:
    //   a b c
    //   d e f
    [Theory]
    [InlineData(1, "abcdef", 3)]
    [InlineData(2, "cbafed", 3)]
    [InlineData(3, "fedcba", 3)]
    [InlineData(4, "defabc", 3)]
    [InlineData(5, "adbecf", 2)]
    [InlineData(6, "cfbead", 2)]
    [InlineData(7, "fcebda", 2)]
    [InlineData(8, "daebfc", 2)]
    public void Orientation_TurnsTheStoredPictureUpright(int orientation, string stored, int width)
    {
        var image = new ImageBuffer(
            width,
            6 / width,
            [.. stored.SelectMany(letter => new[] { (byte)letter, (byte)(letter + 1), (byte)(letter + 2) })]);

        using var upright = Orientation.Apply(image, orientation);

        Assert.Equal((3, 2), (upright.Width, upright.Height));
        Assert.Equal("abcdef", string.Concat(upright.Pixels.Chunk(3).Select(pixel => (char)pixel[0])));
        Assert.All(upright.Pixels.Chunk(3), pixel => Assert.Equal((pixel[0] + 1, pixel[0] + 2), (pixel[1], pixel[2])));
    }

    [Fact]
    public void Orientation_IsReadFromExif_AndAppliedOnlyWhenAsked()
    {
        var file = GoldenImages.BytesOf("rotated-by-exif.jpg");
        var orientation = Orientation.OfJpeg(file);
        Assert.InRange(orientation, 2, 8);
        var asStored = GoldenImages.ExpectedOf("rotated-by-exif.jpg");
        foreach (var decoder in new[] { JpegDecoder.Auto, JpegDecoder.Skia })
        {
            using var left = ImageDecoder.Decode(file, "a.jpg", new DecodeRequest { Jpeg = decoder });
            Assert.Equal((asStored.Width, asStored.Height), (left.Width, left.Height));

            using var turned = ImageDecoder.Decode(
                file,
                "a.jpg",
                new DecodeRequest { Jpeg = decoder, AppliesOrientation = true });
            using var expected = Orientation.Apply(
                ImageDecoder.Decode(file, "a.jpg", new DecodeRequest { Jpeg = decoder }),
                orientation);
            Assert.Equal(expected.Pixels, turned.Pixels);
            Assert.NotEqual(left.Pixels, turned.Pixels);
        }
    }

    [Theory]
    [InlineData("II*\0\b\0\0\0\u0001\0\u0012\u0001\u0003\0\u0001\0\0\0\u0006\0\0\0", 6)]
    [InlineData("MM\0*\0\0\0\b\0\u0001\u0001\u0012\0\u0003\0\0\0\u0001\0\b\0\0", 8)]
    [InlineData("II*\0\b\0\0\0\u0001\0\u0012\u0001\u0003\0\u0001\0\0\0\t\0\0\0", 1)] // 9: there is no such orientation
    [InlineData("II*\0ÿÿÿÿ", 1)] // a directory beyond the end
    [InlineData("II*\0\b\0\0\0ÿÿ\u0012\u0001", 1)] // entries that are not there
    [InlineData("no TIFF at all", 1)]
    public void Orientation_OfAnExifSegment(string tiff, int expected)
    {
        byte[] exif = [.. "Exif\0\0"u8, .. tiff.Select(letter => (byte)letter)];
        byte[] jpeg =
        [
            0xFF, 0xD8, 0xFF, 0xE0, 0, 4, 1, 2, 0xFF, 0xFF, 0xE1, 0, (byte)(exif.Length + 2), .. exif, 0xFF, 0xDA,
        ];

        Assert.Equal(expected, Orientation.OfJpeg(jpeg));
        Assert.Equal(1, Orientation.OfJpeg(jpeg.AsSpan(0, jpeg.Length - exif.Length - 2)));
    }

    [Theory]
    [InlineData("rgb-420.jpg")]
    [InlineData("rgb-progressive.jpg")]
    [InlineData("grey.jpg")]
    [InlineData("rotated-by-exif.jpg")]
    public void SmallerDecoding_HalvesTheImage_AlikeInBothDecoders(string file)
    {
        Assert.SkipWhen(ImageDecoder.TurboJpegLibrary is null, "no libturbojpeg on this system");
        var whole = GoldenImages.ExpectedOf(file);
        foreach (var (denominator, asked) in new[] { (8, 1), (4, 2), (2, 3) })
        {
            var calls = 0;
            var request = new DecodeRequest
            {
                Jpeg = JpegDecoder.TurboJpeg,
                AcceptsReducedSize = (_, _) => ++calls == asked,
            };
            using var turbo = ImageDecoder.Decode(GoldenImages.BytesOf(file), file, request);
            calls = 0;
            using var skia = ImageDecoder.Decode(
                GoldenImages.BytesOf(file),
                file,
                request with
                {
                    Jpeg = JpegDecoder.Skia,
                });

            Assert.Equal(
                ((whole.Width + denominator - 1) / denominator, (whole.Height + denominator - 1) / denominator),
                (turbo.Width, turbo.Height));
            Assert.Equal((turbo.Width, turbo.Height), (skia.Width, skia.Height));
            Assert.All(turbo.Pixels.Zip(skia.Pixels), pair => Assert.InRange(pair.First - pair.Second, -2, 2));
            Assert.Equal(whole.Pixels.Average(value => value), turbo.Pixels.Average(value => value), 12.0);
        }
    }

    [Fact]
    public void SmallerDecoding_OfATurnedImage_IsAskedWithItsSizesUpright()
    {
        var asked = new List<(int, int)>();
        var file = GoldenImages.BytesOf("rotated-by-exif.jpg");
        var stored = GoldenImages.ExpectedOf("rotated-by-exif.jpg");
        Assert.True(Orientation.Transposes(Orientation.OfJpeg(file)));

        using var image = ImageDecoder.Decode(
            file,
            "a.jpg",
            new DecodeRequest
            {
                AppliesOrientation = true,
                AcceptsReducedSize = (width, height) =>
                {
                    asked.Add((width, height));
                    return asked.Count == 3;
                },
            });

        Assert.Equal(((stored.Height + 1) / 2, (stored.Width + 1) / 2), asked[^1]);
        Assert.Equal(asked[^1], (image.Width, image.Height));
    }

    [Fact]
    public void RentedImages_AreReadableUntilDisposed()
    {
        var image = ImageBuffer.Rent(3, 2);
        image.Write().Fill(7);
        Assert.Equal(18, image.Pixels.Length);
        image.Dispose();
        image.Dispose();
        Assert.Throws<ObjectDisposedException>(() => image.AsSpan().Length);
    }
}
