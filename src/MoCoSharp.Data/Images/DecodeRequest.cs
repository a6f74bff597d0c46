using System.Text.Json.Serialization;

namespace MoCoSharp.Data.Images;

/// <summary>The library that decodes JPEG; SkiaSharp decodes every other format.</summary>
[JsonConverter(typeof(EnumNameConverter<JpegDecoder>))]
public enum JpegDecoder
{
    /// <summary>libturbojpeg where the system has it, else SkiaSharp.</summary>
    [JsonStringEnumMemberName("auto")]
    Auto,

    /// <summary>libturbojpeg of the system.</summary>
    [JsonStringEnumMemberName("turbojpeg")]
    TurboJpeg,

    /// <summary>SkiaSharp.</summary>
    [JsonStringEnumMemberName("skia")]
    Skia,
}

/// <summary>How an image is to be read. The default is what PIL's convert("RGB") does.</summary>
public readonly record struct DecodeRequest
{
    /// <summary>Who decodes JPEG.</summary>
    public JpegDecoder Jpeg { get; init; }

    /// <summary>Turns the image as its EXIF data say that the camera was held. The papers' loaders do not.</summary>
    public bool AppliesOrientation { get; init; }

    /// <summary>
    /// Whether a JPEG may be decoded to this width and height instead of its own. Asked for an eighth, a quarter and a
    /// half of it; null decodes in full.
    /// </summary>
    public Func<int, int, bool>? SmallerWillDo { get; init; }

    /// <summary>The smallest size that will do.</summary>
    /// <param name="width">Of the whole image.</param>
    /// <param name="height">Of the whole image.</param>
    /// <param name="transposes">Whether width and height will be swapped before anybody sees them.</param>
    internal (int Width, int Height) Reduce(int width, int height, bool transposes)
    {
        for (var denominator = SmallerWillDo is null ? 1 : 8; denominator > 1; denominator /= 2)
        {
            var (smallWidth, smallHeight) = (
                (width + denominator - 1) / denominator,
                (height + denominator - 1) / denominator);
            if (transposes ? SmallerWillDo!(smallHeight, smallWidth) : SmallerWillDo!(smallWidth, smallHeight))
            {
                return (smallWidth, smallHeight);
            }
        }

        return (width, height);
    }
}
