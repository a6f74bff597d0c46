using SkiaSharp;

namespace MoCoSharp.Data.Images;

/// <summary>Encodes images.</summary>
public static class ImageEncoder
{
    /// <summary>Encodes an image as PNG.</summary>
    public static byte[] Png(ImageBuffer image) => Encode(image, SKEncodedImageFormat.Png, 100);

    /// <summary>Encodes an image as JPEG.</summary>
    /// <param name="image">The image.</param>
    /// <param name="quality">1 to 100.</param>
    public static byte[] Jpeg(ImageBuffer image, int quality) => Encode(image, SKEncodedImageFormat.Jpeg, quality);

    private static byte[] Encode(ImageBuffer image, SKEncodedImageFormat format, int quality)
    {
        ArgumentNullException.ThrowIfNull(image);
        var info = new SKImageInfo(image.Width, image.Height, SKColorType.Rgba8888, SKAlphaType.Opaque);
        var rgba = new byte[info.BytesSize];
        var pixels = image.AsSpan();
        for (int from = 0, to = 0; from < pixels.Length; from += 3, to += 4)
        {
            pixels.Slice(from, 3).CopyTo(rgba.AsSpan(to));
            rgba[to + 3] = 255;
        }

        using var copy = SKImage.FromPixelCopy(info, rgba);
        using var data = copy.Encode(format, quality);
        return data.ToArray();
    }
}
