using System.Globalization;
using MoCoSharp.Data.Images;
using MoCoSharp.Features;

namespace MoCoSharp.Evaluation;

/// <summary>
/// A picture of a confusion matrix: a row for each true class, a column for each predicted class. A darker cell is a
/// larger share of its row.
/// </summary>
internal static class ConfusionPicture
{
    private const int Margin = 8;
    private const int LongestName = 16; // letters
    private const int MostNamed = 50;   // classes; with more, names would be taller than the cells
    private static readonly (byte, byte, byte) Ink = (30, 30, 30);
    private static readonly (byte, byte, byte) Paper = (255, 255, 255);

    /// <summary>Draws the matrix.</summary>
    /// <param name="scores">Scores of at least one class.</param>
    public static ImageBuffer Draw(ClassificationScores scores)
    {
        ArgumentNullException.ThrowIfNull(scores);
        var classes = scores.ClassNames.Count;
        ArgumentOutOfRangeException.ThrowIfZero(classes, nameof(scores));
        var named = classes <= MostNamed;
        var cell = classes <= 20 ? 34 : named ? 16 : Math.Max(1, 800 / classes);
        var names = scores.ClassNames.Select(name => name.Length <= LongestName ? name : name[..LongestName]).ToList();
        var left = Margin + (named ? PixelFont.Width(new string('x', names.Max(name => name.Length))) + Margin : 0);
        var top = Margin + PixelFont.Height + Margin;
        var caption = string.Create(
            CultureInfo.InvariantCulture,
            $"rows: true, columns: predicted. top-1 {100 * scores.Top1:F2} %, {scores.Count} images");
        var width = Math.Max(left + (classes * cell), Margin + PixelFont.Width(caption)) + Margin;
        var image = new ImageBuffer(
            width,
            top + (classes * cell) + Margin,
            new byte[3 * width * (top + (classes * cell) + Margin)]);
        image.Pixels.AsSpan().Fill(255);
        PixelFont.Draw(image, Margin, Margin, caption, Ink);
        for (var row = 0; row < classes; row++)
        {
            if (named)
            {
                PixelFont.Draw(image, Margin, top + (row * cell) + ((cell - PixelFont.Height) / 2), names[row], Ink);
            }

            var total = Math.Max(1, scores.Of(row));
            for (var column = 0; column < classes; column++)
            {
                DrawCell(
                    image, left + (column * cell), top + (row * cell), cell,
                    scores.Confusion[row, column] / (double)total, right: row == column);
            }
        }

        return image;
    }

    // Hits are blue, mistakes red. The number is the percentage of the row, if there is room.
    private static void DrawCell(ImageBuffer image, int left, int top, int cell, double share, bool right)
    {
        var fade = (byte)Math.Round(245 * (1 - Math.Sqrt(share)));
        var (red, green, blue) = right ? (fade, (byte)(fade + ((255 - fade) / 3)), (byte)235) : ((byte)235, fade, fade);
        var border = cell > 4 ? 1 : 0;
        for (var y = 0; y < cell - border; y++)
        {
            for (var x = 0; x < cell - border; x++)
            {
                var at = 3 * (((top + y) * image.Width) + left + x);
                (image.Pixels[at], image.Pixels[at + 1], image.Pixels[at + 2]) =
                    share == 0 ? ((byte)244, (byte)244, (byte)244) : (red, green, blue);
            }
        }

        var text = $"{Math.Round(100 * share)}";
        if (share >= 0.005 && cell >= 30)
        {
            PixelFont.Draw(
                image, left + ((cell - PixelFont.Width(text)) / 2), top + ((cell - PixelFont.Height) / 2), text,
                share > 0.4 ? Paper : Ink);
        }
    }
}
