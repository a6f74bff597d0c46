using MoCoSharp.Data.Images;
using MoCoSharp.Detection.Metrics;

namespace MoCoSharp.Detection.Pictures;

/// <summary>Draws precision against recall at an IoU of 0.5, with a curve for each class.</summary>
internal static class CurvePicture
{
    private const int Side = 480;     // of the square around the curves
    private const int Left = 44;
    private const int Top = 28;
    private const int MostNamed = 40; // named classes; the others are drawn in gray
    private static readonly (byte, byte, byte) Ink = (40, 40, 40);
    private static readonly (byte, byte, byte) Grid = (224, 224, 224);
    private static readonly (byte, byte, byte) Unnamed = (190, 190, 190);

    /// <summary>Draws the curves. The classes with the highest AP are named first.</summary>
    public static ImageBuffer Draw(DetectionScores scores)
    {
        ArgumentNullException.ThrowIfNull(scores);
        var classes = scores
            .Classes.Select((score, label) => (score, label))
            .Where(item => !double.IsNaN(item.score.Ap50))
            .OrderByDescending(item => item.score.Ap50)
            .ToList();
        var sketch = new Sketch(Left + Side + 190, Top + Math.Max(Side + 40, 14 * Math.Min(MostNamed, classes.Count)));
        sketch.Text(
            Left,
            10,
            FormattableString.Invariant(
                $"precision (up) by recall, IoU 0.5. {scores.Metric}: AP50 {100 * scores.Ap50:F1}"),
            Ink);
        for (var tenth = 0; tenth <= 10; tenth += 2)
        {
            var (x, y) = (Left + (Side * tenth / 10), Top + Side - (Side * tenth / 10));
            sketch.Fill(x, Top, 1, Side, Grid);
            sketch.Fill(Left, y, Side, 1, Grid);
            var text = FormattableString.Invariant($"{tenth / 10.0:F1}");
            sketch.Text(x - (PixelFont.Width(text) / 2), Top + Side + 8, text, Ink);
            sketch.Text(Left - PixelFont.Width(text) - 8, y - (PixelFont.Height / 2), text, Ink);
        }

        for (var place = classes.Count - 1; place >= 0; place--)
        {
            var (score, label) = classes[place];
            var color = place < MostNamed ? Sketch.ColorOf(label) : Unnamed;
            Curve(sketch, score.Curve, color);
            if (place < MostNamed)
            {
                sketch.Fill(Left + Side + 16, Top + (14 * place), 10, 7, color);
                var name = score.Name.Length <= 16 ? score.Name : score.Name[..16];
                sketch.Text(
                    Left + Side + 32,
                    Top + (14 * place),
                    FormattableString.Invariant($"{name} {100 * score.Ap50:F1}"),
                    Ink);
            }
        }

        return sketch.Image;
    }

    private static void Curve(
        Sketch sketch,
        IReadOnlyList<(double Recall, double Precision)> curve,
        (byte, byte, byte) color)
    {
        for (var i = 1; i < curve.Count; i++)
        {
            sketch.Line(
                Left + (Side * curve[i - 1].Recall), Top + Side - (Side * curve[i - 1].Precision),
                Left + (Side * curve[i].Recall), Top + Side - (Side * curve[i].Precision), color);
        }
    }
}
