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
    private const int Margin = 12;
    private const int TitleSize = 16; // of the font, in pixels
    private const int TextSize = 12;
    private const int LongestName = 130; // pixels
    private const int MostNamed = 50;    // classes; with more, names would be taller than the cells
    private static readonly (byte, byte, byte) Ink = (27, 31, 36);
    private static readonly (byte, byte, byte) Quiet = (91, 101, 112);
    private static readonly (byte, byte, byte) Paper = (255, 255, 255);

    /// <summary>Draws the matrix.</summary>
    /// <param name="scores">Scores of at least one class.</param>
    public static ImageBuffer Draw(ClassificationScores scores)
    {
        ArgumentNullException.ThrowIfNull(scores);
        var classes = scores.ClassNames.Count;
        ArgumentOutOfRangeException.ThrowIfZero(classes, nameof(scores));
        var named = classes <= MostNamed;
        var cell = classes <= 20 ? 36 : named ? 17 : Math.Max(1, 800 / classes);
        var names = scores.ClassNames.Select(name => PictureText.Cut(name, LongestName, TextSize)).ToList();
        var nameWidth = named ? names.Max(name => PictureText.Width(name, TextSize)) + 8 : 0;
        var title = string.Create(
            CultureInfo.InvariantCulture, $"Confusion: top-1 {100 * scores.Top1:F2} % of {scores.Count} images");
        var legend = cell >= 30 ? "Rows: the class. Columns: the prediction. Numbers: percent of the class." :
            "Rows: the class. Columns: the prediction. Darker: a larger share of the class.";
        var left = Margin + nameWidth;
        var top = (2 * Margin) + PictureText.Height(TitleSize) + PictureText.Height(TextSize) + nameWidth;
        var width = Margin + Math.Max(
            left + (classes * cell),
            Margin + Math.Max(PictureText.Width(title, TitleSize), PictureText.Width(legend, TextSize)));
        var height = top + (classes * cell) + Margin;
        var image = new ImageBuffer(width, height, new byte[3 * width * height]);
        image.Pixels.AsSpan().Fill(255);
        PictureText.Draw(image, Margin, Margin, title, Ink, TitleSize);
        PictureText.Draw(image, Margin, Margin + PictureText.Height(TitleSize) + 2, legend, Quiet, TextSize);
        for (var row = 0; row < classes; row++)
        {
            if (named)
            {
                DrawNames(image, names[row], left, top, row * cell, cell);
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

    // The name of a class beside its row, and above its column.
    private static void DrawNames(ImageBuffer image, string name, int left, int top, int offset, int cell)
    {
        var middle = offset + ((cell - PictureText.Height(TextSize)) / 2);
        PictureText.Draw(image, left - 8 - PictureText.Width(name, TextSize), top + middle, name, Ink, TextSize);
        PictureText.Draw(image, left + middle, top - 8, name, Ink, TextSize, upward: true);
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
            PictureText.Draw(
                image, left + ((cell - PictureText.Width(text, TextSize)) / 2),
                top + ((cell - PictureText.Height(TextSize)) / 2), text, share > 0.4 ? Paper : Ink, TextSize);
        }
    }
}
