using MoCoSharp.Data.Images;
using MoCoSharp.Report.Html;

namespace MoCoSharp.Report.Pictures;

/// <summary>A picture with a row of thumbnails for each query: the query and its neighbors.</summary>
internal static class ContactSheet
{
    /// <summary>Pixels of the longer side of a thumbnail.</summary>
    public const int Side = 112;

    private const int Gap = 10;
    private const int QueryGap = 3 * Gap; // between the query and its neighbors, with a line in it
    private const int TitleSize = 18;     // of the font, in pixels
    private const int CaptionSize = 13;
    private const int NameSize = 11;
    private const int CaptionGap = 3;     // pixels above a line of text
    private const string Legend = "Left of the line: the query. Right: the most similar images, with cosine similarity";

    private static readonly int CaptionHeight =
        PictureText.Height(CaptionSize) + PictureText.Height(NameSize) + (2 * CaptionGap);
    private static readonly int Head =
        (2 * Gap) + PictureText.Height(TitleSize) + CaptionGap + PictureText.Height(CaptionSize);
    private static readonly int RowHeight = Side + CaptionHeight + (2 * Gap);

    private static readonly (byte Red, byte Green, byte Blue) Text = (27, 31, 36);
    private static readonly (byte Red, byte Green, byte Blue) Quiet = (91, 101, 112);
    private static readonly (byte Red, byte Green, byte Blue) Accent = (31, 111, 235);
    private static readonly (byte Red, byte Green, byte Blue) Empty = (232, 235, 238);

    /// <summary>Draws the sheet.</summary>
    /// <param name="title">The heading.</param>
    /// <param name="rows">The queries, at least one. Longer titles and names are shortened.</param>
    public static ImageBuffer Draw(string title, IReadOnlyList<TileRow> rows)
    {
        ArgumentOutOfRangeException.ThrowIfZero(rows.Count);
        var columns = rows.Max(row => row.Neighbors.Count);
        var width = Gap + Side + (columns > 0 ? QueryGap - Gap + (columns * (Side + Gap)) : 0) + Gap;
        var height = Head + (rows.Count * RowHeight) + Gap;
        var sheet = new ImageBuffer(width, height, new byte[3 * width * height]);
        sheet.Pixels.AsSpan().Fill(255);
        var inside = width - (2 * Gap);
        Write(sheet, Gap, Gap, title, Text, TitleSize, inside);
        Write(sheet, Gap, Gap + PictureText.Height(TitleSize) + CaptionGap, Legend, Quiet, CaptionSize, inside);
        for (var row = 0; row < rows.Count; row++)
        {
            var top = Head + Gap + (row * RowHeight);
            Draw(sheet, Gap, top, rows[row].Query);
            if (rows[row].Neighbors.Count > 0)
            {
                Fill(sheet, Gap + Side + (QueryGap / 2) - 1, top, 2, Side, Accent);
            }

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
            // A small image is enlarged by a whole number, so that its pixels stay sharp.
            var times = Side / Math.Max(reduced.Width, reduced.Height);
            Copy(
                reduced, sheet, left + ((Side - (times * reduced.Width)) / 2),
                top + ((Side - (times * reduced.Height)) / 2), times);
        }
        else
        {
            const string missing = "cannot be read";
            Fill(sheet, left, top, Side, Side, Empty);
            var indent = (Side - PictureText.Width(missing, CaptionSize)) / 2;
            var middle = (Side - PictureText.Height(CaptionSize)) / 2;
            Write(sheet, left + indent, top + middle, missing, Quiet, CaptionSize, Side);
        }

        var below = top + Side + CaptionGap;
        if (tile.Caption.Length > 0)
        {
            Write(sheet, left, below, tile.Caption, Text, CaptionSize, Side);
            below += PictureText.Height(CaptionSize) + CaptionGap;
        }

        Write(sheet, left, below, Path.GetFileName(tile.Name), Quiet, NameSize, Side);
    }

    private static void Write(
        ImageBuffer sheet, int left, int top, string text, (byte, byte, byte) color, int size, int width) =>
        PictureText.Draw(sheet, left, top, PictureText.Cut(text, width, size), color, size);

    private static void Fill(
        ImageBuffer sheet, int left, int top, int width, int height, (byte Red, byte Green, byte Blue) color)
    {
        for (var at = 0; at < width * height; at++)
        {
            var pixel = 3 * (((top + (at / width)) * sheet.Width) + left + (at % width));
            (sheet.Pixels[pixel], sheet.Pixels[pixel + 1], sheet.Pixels[pixel + 2]) = color;
        }
    }

    private static void Copy(ImageBuffer from, ImageBuffer to, int left, int top, int times)
    {
        for (var y = 0; y < times * from.Height; y++)
        {
            for (var x = 0; x < times * from.Width; x++)
            {
                var source = 3 * ((y / times * from.Width) + (x / times));
                var target = 3 * (((top + y) * to.Width) + left + x);
                from.AsSpan().Slice(source, 3).CopyTo(to.Pixels.AsSpan(target));
            }
        }
    }
}
