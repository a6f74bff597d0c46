using MoCoSharp.Data.Datasets;
using MoCoSharp.Data.Images;
using MoCoSharp.Data.Kernels;
using MoCoSharp.Data.Views;

namespace MoCoSharp.Report.Html;

/// <summary>Many small images in one JPEG. A page shows one of them by its column and row.</summary>
/// <param name="Uri">The JPEG, as a data URI.</param>
/// <param name="Columns">Images in a row.</param>
/// <param name="Rows">Number of rows; the last may have fewer images.</param>
internal sealed record ThumbnailSheet(string Uri, int Columns, int Rows)
{
    private const int MostColumns = 50;
    private const byte Gray = 128; // of an image that cannot be read
    private static readonly int[] Qualities = [80, 60, 40, 20, 10]; // of JPEG, of 100

    /// <summary>Draws the central square of each image.</summary>
    /// <param name="images">The set.</param>
    /// <param name="indices">Positions in the set, in the order of the sheet; not empty.</param>
    /// <param name="upright">Whether to turn images by their EXIF orientation.</param>
    /// <param name="side">Width and height of an image in the sheet, in pixels, above 0.</param>
    /// <param name="mostBytes">
    /// Bytes that the JPEG may have; base64 adds a third. The quality is lowered until it fits, or is 10 of 100.
    /// </param>
    public static ThumbnailSheet Create(
        IImageDataset images, IReadOnlyList<int> indices, bool upright, int side, int mostBytes)
    {
        ArgumentOutOfRangeException.ThrowIfZero(indices.Count);
        var columns = Math.Min(MostColumns, indices.Count);
        var rows = (indices.Count + columns - 1) / columns;
        var pixels = new byte[3 * side * columns * side * rows];
        pixels.AsSpan().Fill(Gray);
        Parallel.For(0, indices.Count, place =>
        {
            using var image = ShownImages.TryRead(images, indices[place], side, upright);
            if (image is not null)
            {
                Paint(image, pixels, side, columns, place);
            }
        });

        using var sheet = new ImageBuffer(side * columns, side * rows, pixels);
        return new ThumbnailSheet(
            "data:image/jpeg;base64," + Convert.ToBase64String(Encode(sheet, mostBytes)), columns, rows);
    }

    private static void Paint(ImageBuffer image, byte[] sheet, int side, int columns, int place)
    {
        var square = Math.Min(image.Width, image.Height);
        var first = (((image.Height - square) / 2) * image.Width) + ((image.Width - square) / 2);
        var tile = new byte[3 * side * side];
        Resampling.Resize(
            image.AsSpan()[(3 * first)..], 3 * image.Width, square, square, tile, side, side, Vectors.Best);
        var (left, top) = (place % columns * side, place / columns * side);
        for (var y = 0; y < side; y++)
        {
            tile.AsSpan(3 * side * y, 3 * side).CopyTo(sheet.AsSpan(3 * (((top + y) * side * columns) + left)));
        }
    }

    private static byte[] Encode(ImageBuffer sheet, int mostBytes)
    {
        byte[] jpeg = [];
        foreach (var quality in Qualities)
        {
            jpeg = ImageEncoder.Jpeg(sheet, quality);
            if (jpeg.Length <= mostBytes)
            {
                break;
            }
        }

        return jpeg;
    }
}
