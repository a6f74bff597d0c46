using SkiaSharp;

namespace MoCoSharp.Data.Images;

/// <summary>Writes images for people to look at.</summary>
public static class ImageEncoder
{
    /// <summary>An image as a PNG file.</summary>
    public static byte[] Png(ImageBuffer image)
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
        using var data = copy.Encode(SKEncodedImageFormat.Png, 100);
        return data.ToArray();
    }
}
