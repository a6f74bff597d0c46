using MoCoSharp.Data.Datasets;
using MoCoSharp.Data.Images;

namespace MoCoSharp.Report.Html;

/// <summary>Chooses and reads the images of a page.</summary>
internal static class ShownImages
{
    /// <summary>At most this many images, spread evenly over a set.</summary>
    /// <param name="images">The set.</param>
    /// <param name="most">Above 0.</param>
    public static IImageDataset Spread(IImageDataset images, int most) =>
        images.Count <= most ? images : ImageSubset.Spread(images, most);

    /// <summary>Reads an image to show it small; null if it cannot be read.</summary>
    /// <param name="images">The set.</param>
    /// <param name="index">0 to Count - 1.</param>
    /// <param name="side">Pixels of the shorter side that suffice, above 0.</param>
    /// <param name="upright">Whether to turn it by its EXIF orientation.</param>
    public static ImageBuffer? TryRead(IImageDataset images, int index, int side, bool upright)
    {
        try
        {
            return images.Read(index, new DecodeRequest
            {
                AppliesOrientation = upright,
                AcceptsReducedSize = (width, height) => Math.Min(width, height) >= side,
            }).Image;
        }
        catch (BrokenImageException)
        {
            return null;
        }
    }
}
