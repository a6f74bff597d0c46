using MoCoSharp.Data.Datasets;
using MoCoSharp.Data.Images;

namespace NeighborSheet;

/// <summary>A contact sheet: rows of square thumbnails, in two columns of rows.</summary>
internal sealed class Sheet : IDisposable
{
    private const int Columns = 2;
    private const int Side = 80; // pixels of a thumbnail
    private const int Gap = 4; // pixels, white
    private const int Mark = 3; // pixels of the line below a thumbnail

    private static readonly (byte R, byte G, byte B) SameClass = (60, 160, 80);
    private static readonly (byte R, byte G, byte B) OtherClass = (215, 60, 50);

    private readonly int tilesPerRow;
    private readonly ImageBuffer image;

    /// <summary>An empty, white sheet.</summary>
    /// <param name="rows">How many queries.</param>
    /// <param name="tilesPerRow">The query and its neighbors.</param>
    public Sheet(int rows, int tilesPerRow)
    {
        this.tilesPerRow = tilesPerRow;
        var width = (Columns * (RowWidth + (3 * Gap))) - Gap;
        var height = ((rows + Columns - 1) / Columns * (Side + Mark + Gap)) + Gap;
        image = new ImageBuffer(width, height, new byte[3 * width * height]);
        image.Pixels.AsSpan().Fill(255);
    }

    // The query stands apart from its neighbors by a wider gap.
    private int RowWidth => (tilesPerRow * (Side + Gap)) + (2 * Gap);

    /// <summary>Draws a thumbnail; without <paramref name="matches"/>, no line below it.</summary>
    /// <param name="row">Which query, from 0.</param>
    /// <param name="tile">0 is the query, 1 its nearest neighbor.</param>
    /// <param name="thumbnail">Its longer side is cut off.</param>
    /// <param name="matches">Whether it is of the query's class: a green line, or a red one.</param>
    public void Draw(int row, int tile, LabeledImage thumbnail, bool? matches = null)
    {
        var left = Gap + (row % Columns * (RowWidth + (2 * Gap))) + (tile * (Side + Gap)) + (tile > 0 ? 2 * Gap : 0);
        var top = Gap + (row / Columns * (Side + Mark + Gap));
        var shortSide = Math.Min(thumbnail.Image.Width, thumbnail.Image.Height);
        for (var y = 0; y < Side; y++)
        {
            for (var x = 0; x < Side; x++)
            {
                var from = 3 * ((y * shortSide / Side * thumbnail.Image.Width) + (x * shortSide / Side));
                thumbnail.Image.AsSpan().Slice(from, 3).CopyTo(Pixel(left + x, top + y));
            }
        }

        for (var i = 0; i < Side * Mark && matches is { } same; i++)
        {
            var pixel = Pixel(left + (i % Side), top + Side + (i / Side));
            (pixel[0], pixel[1], pixel[2]) = same ? SameClass : OtherClass;
        }
    }

    /// <summary>Writes a PNG or JPEG file, by the ending.</summary>
    public void Save(string path) =>
        File.WriteAllBytes(
            path, Path.GetExtension(path) == ".png" ? ImageEncoder.Png(image) : ImageEncoder.Jpeg(image, 85));

    public void Dispose() => image.Dispose();

    private Span<byte> Pixel(int x, int y) => image.Pixels.AsSpan().Slice(3 * ((y * image.Width) + x), 3);
}
