using MoCoSharp.Data.Images;
using MoCoSharp.Detection.Metrics;

namespace MoCoSharp.Detection.Pictures;

/// <summary>Draws precision against recall at an IoU of 0.5, with a curve for each class.</summary>
internal static class CurvePicture
{
    private const int Side = 480;     // of the square around the curves
    private const int Left = 60;
    private const int Top = 66;
    private const int Legend = 250;   // width
    private const int Row = 18;       // height of a line of the legend
    private const int MostNamed = 40; // named classes; the others are drawn in gray
    private static readonly (byte, byte, byte) Ink = (27, 31, 36);
    private static readonly (byte, byte, byte) Quiet = (91, 101, 112);
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
        var sketch = new Sketch(
            Left + Side + Legend, Top + Math.Max(Side + 60, (Row * Math.Min(MostNamed, classes.Count)) + 20));
        sketch.Text(
            16, 12, FormattableString.Invariant($"Precision by recall: AP50 {100 * scores.Ap50:F1} ({scores.Metric})"),
            Ink, Sketch.TitleSize);
        sketch.Text(16, 40, "Precision of detections with an IoU of 0.5 or more", Quiet);
        sketch.Text(Left + Side + 16, 40, "Class and its AP50", Quiet);
        sketch.Text(Left + (Side / 2) - 20, Top + Side + 30, "Recall", Quiet);
        for (var tenth = 0; tenth <= 10; tenth += 2)
        {
            var (x, y) = (Left + (Side * tenth / 10), Top + Side - (Side * tenth / 10));
            sketch.Fill(x, Top, 1, Side, Grid);
            sketch.Fill(Left, y, Side, 1, Grid);
            var text = FormattableString.Invariant($"{tenth / 10.0:F1}");
            var width = PictureText.Width(text, Sketch.TextSize);
            sketch.Text(x - (width / 2), Top + Side + 8, text, Quiet);
            sketch.Text(Left - width - 8, y - (PictureText.Height(Sketch.TextSize) / 2), text, Quiet);
        }

        for (var place = classes.Count - 1; place >= 0; place--)
        {
            var (score, label) = classes[place];
            var color = place < MostNamed ? Sketch.ColorOf(label) : Unnamed;
            Curve(sketch, score.Curve, color);
            if (place < MostNamed)
            {
                sketch.Fill(Left + Side + 16, Top + (Row * place) + 2, 12, 12, color);
                var text = FormattableString.Invariant($"{100 * score.Ap50:F1}");
                var width = PictureText.Width(text, Sketch.TextSize);
                sketch.Text(
                    Left + Side + 36, Top + (Row * place),
                    PictureText.Cut(score.Name, Legend - 60 - width, Sketch.TextSize), Ink);
                sketch.Text(Left + Side + Legend - 16 - width, Top + (Row * place), text, Ink);
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
