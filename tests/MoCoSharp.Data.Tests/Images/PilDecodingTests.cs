using MoCoSharp.Data.Images;

namespace MoCoSharp.Data.Tests.Images;

/// <summary>Every kind of file against the pixels that PIL's convert("RGB") gives.</summary>
public class PilDecodingTests
{
    public static TheoryData<string, JpegDecoder> Files =>
        [
            .. GoldenImages.Files.SelectMany(
                file => file.EndsWith(".jpg") ? Enum.GetValues<JpegDecoder>() : [JpegDecoder.Auto],
                (file, decoder) => (file, decoder)),
        ];

    [Theory]
    [MemberData(nameof(Files))]
    public void Decode_GivesThePixelsOfPil(string file, JpegDecoder decoder)
    {
        Assert.SkipWhen(
            decoder == JpegDecoder.TurboJpeg && ImageDecoder.TurboJpegLibrary is null,
            "no libturbojpeg on this system");
        var expected = GoldenImages.ExpectedOf(file);

        using var actual = ImageDecoder.ReadFile(GoldenImages.PathOf(file), new DecodeRequest { Jpeg = decoder });

        Assert.Equal((expected.Width, expected.Height), (actual.Width, actual.Height));
        var differences = expected.Pixels.Zip(actual.Pixels, (theirs, ours) => Math.Abs(theirs - ours)).ToList();
        var first = differences.FindIndex(difference => difference > Tolerance(file));
        Assert.True(
            first < 0,
            $"{file}: value {first} is {(first < 0 ? 0 : actual.Pixels[first])}, in PIL " +
            $"{(first < 0 ? 0 : expected.Pixels[first])}; largest difference {differences.Max()}.");
    }

    // JPEG's and lossy WebP's inverse transforms are equal to the bit on x64; other processors may round a value the
    // other way.
    private static int Tolerance(string file) => Path.GetExtension(file) switch
    {
        ".jpg" => 2,
        ".tif" when file == "jpeg.tif" => 2,
        ".webp" when file.StartsWith("lossy", StringComparison.Ordinal) => 2,
        ".bmp" when file.StartsWith('5') => 1, // five bits of 16-bit BMP are rounded to eight; PIL cuts
        _ => 0,
    };
}
