using MoCoSharp.Data.Images;
using MoCoSharp.Data.Kernels;
using MoCoSharp.Data.Views;

namespace MoCoSharp.Report.Html;

/// <summary>A small copy of an image, inside the page.</summary>
internal static class Thumbnail
{
    private const int Quality = 80; // of JPEG, of 100

    /// <summary>The whole image, reduced, as a data URI for the attribute src.</summary>
    /// <param name="image">The image. It stays as it is.</param>
    /// <param name="side">Pixels of the longer side at most, above 0. A smaller image is not enlarged.</param>
    public static string DataUri(ImageBuffer image, int side)
    {
        using var reduced = Reduce(image, side);
        return "data:image/jpeg;base64," + Convert.ToBase64String(ImageEncoder.Jpeg(reduced, Quality));
    }

    /// <summary>A copy of the whole image, reduced.</summary>
    /// <param name="image">The image. It stays as it is.</param>
    /// <param name="side">Pixels of the longer side at most, above 0. A smaller image is not enlarged.</param>
    public static ImageBuffer Reduce(ImageBuffer image, int side)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(side);
        var scale = Math.Min(1.0, (double)side / Math.Max(image.Width, image.Height));
        var (width, height) = (Reduced(image.Width), Reduced(image.Height));
        var pixels = new byte[3 * width * height];
        Resampling.Resize(
            image.AsSpan(), 3 * image.Width, image.Width, image.Height, pixels, width, height,
            Vectors.Best);
        return new ImageBuffer(width, height, pixels);

        int Reduced(int length) => Math.Max(1, (int)Math.Round(length * scale));
    }
}
