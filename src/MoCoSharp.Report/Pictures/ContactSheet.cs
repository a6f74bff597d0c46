using MoCoSharp.Data.Images;
using MoCoSharp.Report.Html;

namespace MoCoSharp.Report.Pictures;

/// <summary>A picture with a row of thumbnails for each query: the query and its neighbors.</summary>
internal static class ContactSheet
{
    /// <summary>Pixels of the longer side of a thumbnail.</summary>
    public const int Side = 112;

    private const int Gap = 8;
    private const int QueryGap = 3 * Gap; // between the query and its neighbors
    private const int TitleScale = 2;
    private const int CaptionGap = 3; // pixels above a line of text
    private const int CaptionHeight = 2 * (PixelFont.Height + CaptionGap);
    private const int Head = (2 * Gap) + (PixelFont.Height * TitleScale) + CaptionGap + PixelFont.Height;
    private const int RowHeight = Side + CaptionHeight + (2 * Gap);
    private const string Legend = "query, then the most similar images with their cosine similarity";

    private static readonly (byte Red, byte Green, byte Blue) Text = (27, 31, 36);
    private static readonly (byte Red, byte Green, byte Blue) Quiet = (91, 101, 112);

    /// <summary>Draws the sheet.</summary>
    /// <param name="title">The heading. Letters that the font lacks are drawn as question marks.</param>
    /// <param name="rows">The queries, at least one. Longer titles and names are cut off.</param>
    public static ImageBuffer Draw(string title, IReadOnlyList<TileRow> rows)
    {
        ArgumentOutOfRangeException.ThrowIfZero(rows.Count);
        var columns = rows.Max(row => row.Neighbors.Count);
        var width = Gap + Side + (columns > 0 ? QueryGap - Gap + (columns * (Side + Gap)) : 0) + Gap;
        var height = Head + (rows.Count * RowHeight) + Gap;
        var sheet = new ImageBuffer(width, height, new byte[3 * width * height]);
        sheet.Pixels.AsSpan().Fill(255);
        var inside = width - (2 * Gap);
        PixelFont.Draw(sheet, Gap, Gap, Cut(title, inside / TitleScale), Text, TitleScale);
        PixelFont.Draw(sheet, Gap, Head - Gap - PixelFont.Height, Cut(Legend, inside), Quiet);
        for (var row = 0; row < rows.Count; row++)
        {
            var top = Head + Gap + (row * RowHeight);
            Draw(sheet, Gap, top, rows[row].Query);
            for (var column = 0; column < rows[row].Neighbors.Count; column++)
            {
                Draw(sheet, Gap + Side + QueryGap + (column * (Side + Gap)), top, rows[row].Neighbors[column]);
            }
        }

        return sheet;
    }

    private static void Draw(ImageBuffer sheet, int left, int top, Tile tile)
    {
        if (tile.Image is { } image)
        {
            using var reduced = Thumbnail.Reduce(image, Side);
            Copy(reduced, sheet, left + ((Side - reduced.Width) / 2), top + ((Side - reduced.Height) / 2));
        }
        else
        {
            PixelFont.Draw(sheet, left, top + (Side / 2), "NOT READABLE", Quiet);
        }

        var below = top + Side + CaptionGap;
        if (tile.Caption.Length > 0)
        {
            PixelFont.Draw(sheet, left, below, tile.Caption, Text);
            below += PixelFont.Height + CaptionGap;
        }

        PixelFont.Draw(sheet, left, below, Cut(Path.GetFileName(tile.Name), Side), Quiet);
    }

    private static void Copy(ImageBuffer from, ImageBuffer to, int left, int top)
    {
        var stride = 3 * from.Width;
        for (var y = 0; y < from.Height; y++)
        {
            var target = 3 * (((top + y) * to.Width) + left);
            from.AsSpan().Slice(y * stride, stride).CopyTo(to.Pixels.AsSpan(target));
        }
    }

    private static string Cut(string text, int width)
    {
        var letters = (width + 1) / PixelFont.Advance;
        return text.Length <= letters ? text : text[..Math.Max(0, letters - 2)] + "..";
    }
}
