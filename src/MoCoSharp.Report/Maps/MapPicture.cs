using System.Globalization;
using MoCoSharp.Data.Images;

namespace MoCoSharp.Report.Maps;

/// <summary>A picture of a map: a dot an image, and a legend of the classes.</summary>
internal static class MapPicture
{
    private const int Side = 900; // of the map, in pixels
    private const int Margin = 16;
    private const int LegendWidth = 240;
    private const int RowHeight = 21;
    private const int TitleSize = 20; // of the font, in pixels
    private const int TextSize = 13;
    private const int MostRows = 42;
    private static readonly (byte, byte, byte) Ink = (27, 31, 36);
    private static readonly (byte, byte, byte) Quiet = (91, 101, 112);

    /// <summary>Draws the map.</summary>
    /// <param name="title">A line above the map.</param>
    /// <param name="manner">How it was made: a smaller line below the title.</param>
    /// <param name="points">The images, at least one.</param>
    /// <param name="classNames">The classes by number; empty for none.</param>
    public static ImageBuffer Draw(
        string title, string manner, IReadOnlyList<MapPoint> points, IReadOnlyList<string> classNames)
    {
        var width = Side + (2 * Margin) + (classNames.Count > 0 ? LegendWidth : 0);
        var top = (3 * Margin) + PictureText.Height(TitleSize) + PictureText.Height(TextSize);
        var height = top + Side + Margin;
        var image = new ImageBuffer(width, height, new byte[3 * width * height]);
        image.Pixels.AsSpan().Fill(255);
        var inside = width - (2 * Margin);
        Write(image, Margin, Margin, title, Ink, TitleSize, inside);
        Write(image, Margin, Margin + PictureText.Height(TitleSize) + 4, manner, Quiet, TextSize, inside);
        DrawPoints(image, top, points);
        DrawLegend(image, top, points, classNames);
        return image;
    }

    private static void DrawPoints(ImageBuffer image, int top, IReadOnlyList<MapPoint> points)
    {
        var (left, right) = (points.Min(point => point.X), points.Max(point => point.X));
        var (low, high) = (points.Min(point => point.Y), points.Max(point => point.Y));
        var span = Math.Max(Math.Max(right - left, high - low), float.Epsilon);
        var radius = points.Count > 5000 ? 1 : 3;
        foreach (var point in points)
        {
            var x = Margin + (((point.X - ((left + right) / 2)) / span) + 0.5) * Side;
            var y = top + (0.5 - ((point.Y - ((low + high) / 2)) / span)) * Side;
            DrawDot(image, (int)Math.Round(x), (int)Math.Round(y), radius, MapColors.Of(point.Label));
        }
    }

    private static void DrawLegend(
        ImageBuffer image, int top, IReadOnlyList<MapPoint> points, IReadOnlyList<string> classNames)
    {
        var counts = points.CountBy(point => point.Label).ToDictionary();
        var left = Side + (2 * Margin);
        const int room = LegendWidth - 20 - Margin; // for a name and its count
        foreach (var (row, label) in Enumerable.Range(0, classNames.Count).Where(counts.ContainsKey).Index())
        {
            var y = top + (row * RowHeight);
            if (row == MostRows)
            {
                var more = counts.Keys.Count(key => key >= 0) - row;
                Write(image, left + 20, y, $"and {more} more", Quiet, TextSize, room);
                break;
            }

            var count = counts[label].ToString(CultureInfo.InvariantCulture);
            var countWidth = PictureText.Width(count, TextSize);
            DrawDot(image, left + 6, y + (PictureText.Height(TextSize) / 2), 5, MapColors.Of(label));
            Write(image, left + 20, y, classNames[label], Ink, TextSize, room - countWidth - 8);
            Write(image, left + 20 + room - countWidth, y, count, Quiet, TextSize, countWidth);
        }
    }

    private static void Write(
        ImageBuffer image, int left, int top, string text, (byte, byte, byte) color, int size, int width) =>
        PictureText.Draw(image, left, top, PictureText.Cut(text, width, size), color, size);

    private static void DrawDot(
        ImageBuffer image, int centerX, int centerY, int radius, (byte Red, byte Green, byte Blue) color)
    {
        for (var y = Math.Max(0, centerY - radius); y <= Math.Min(image.Height - 1, centerY + radius); y++)
        {
            for (var x = Math.Max(0, centerX - radius); x <= Math.Min(image.Width - 1, centerX + radius); x++)
            {
                var (right, down) = (x - centerX, y - centerY);
                if ((right * right) + (down * down) <= (radius * radius) + 1)
                {
                    var at = 3 * ((y * image.Width) + x);
                    (image.Pixels[at], image.Pixels[at + 1], image.Pixels[at + 2]) = color;
                }
            }
        }
    }
}
