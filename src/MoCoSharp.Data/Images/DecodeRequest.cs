using System.Text.Json.Serialization;

namespace MoCoSharp.Data.Images;

/// <summary>The library that decodes JPEG. SkiaSharp decodes all other formats.</summary>
[JsonConverter(typeof(EnumNameConverter<JpegDecoder>))]
public enum JpegDecoder
{
    /// <summary>libturbojpeg if the system has it, otherwise SkiaSharp.</summary>
    [JsonStringEnumMemberName("auto")]
    Auto,

    /// <summary>The system's libturbojpeg.</summary>
    [JsonStringEnumMemberName("turbojpeg")]
    TurboJpeg,

    /// <summary>SkiaSharp.</summary>
    [JsonStringEnumMemberName("skia")]
    Skia,
}

/// <summary>How to decode an image. The default does the same as PIL's convert("RGB").</summary>
public readonly record struct DecodeRequest
{
    /// <summary>The library for JPEG.</summary>
    public JpegDecoder Jpeg { get; init; }

    /// <summary>Whether to rotate the image by its EXIF orientation. The papers' loaders do not.</summary>
    public bool AppliesOrientation { get; init; }

    /// <summary>
    /// Whether a JPEG may be decoded to this width and height instead of its full size. Called with an eighth, a
    /// quarter and a half of the size; null decodes in full.
    /// </summary>
    public Func<int, int, bool>? AcceptsReducedSize { get; init; }

    /// <summary>The smallest size that is accepted.</summary>
    /// <param name="width">Width of the whole image.</param>
    /// <param name="height">Height of the whole image.</param>
    /// <param name="transposes">Whether the decoded image will be transposed.</param>
    internal (int Width, int Height) Reduce(int width, int height, bool transposes)
    {
        for (var denominator = AcceptsReducedSize is null ? 1 : 8; denominator > 1; denominator /= 2)
        {
            var (smallWidth, smallHeight) = (
                (width + denominator - 1) / denominator,
                (height + denominator - 1) / denominator);
            var accepts = AcceptsReducedSize!;
            if (transposes ? accepts(smallHeight, smallWidth) : accepts(smallWidth, smallHeight))
            {
                return (smallWidth, smallHeight);
            }
        }

        return (width, height);
    }
}
