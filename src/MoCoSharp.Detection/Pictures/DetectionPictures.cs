using MoCoSharp.Data.Images;
using MoCoSharp.Detection.Datasets;
using MoCoSharp.Detection.Metrics;
using MoCoSharp.Detection.Model;
using MoCoSharp.PyTorch;

namespace MoCoSharp.Detection.Pictures;

/// <summary>
/// Draws the results of a detector: test images with detections, precision-recall curves, and the worst mistakes.
/// </summary>
internal static class DetectionPictures
{
    private const double LeastScore = 0.5; // of the detections that are drawn
    private const int LongestSide = 800;
    private const int ThumbSide = 220;
    private const int Columns = 4;
    private const int MostMistakes = 12;
    private static readonly (byte, byte, byte) Truth = (255, 255, 255);
    private static readonly (byte, byte, byte) Ink = (27, 31, 36);

    /// <summary>Writes the pictures.</summary>
    /// <param name="folder">The folder. It is created if it does not exist.</param>
    /// <param name="images">The images with their true boxes.</param>
    /// <param name="judged">Indices of the tested images.</param>
    /// <param name="found">Detections in these images.</param>
    /// <param name="scores">The scores, for the curves.</param>
    /// <param name="count">Number of images to draw, above 0.</param>
    /// <returns>The written files, in a sentence.</returns>
    public static string Write(
        string folder, BoxedImages images, IReadOnlyList<int> judged, IReadOnlyList<FoundObject> found,
        DetectionScores scores, int count)
    {
        ArgumentException.ThrowIfNullOrEmpty(folder);
        ArgumentNullException.ThrowIfNull(images);
        ArgumentNullException.ThrowIfNull(judged);
        Directory.CreateDirectory(folder);
        var finds = found.ToLookup(item => item.Image);
        var drawn = judged.Take(count).ToList();
        for (var i = 0; i < drawn.Count; i++)
        {
            var sketch = Picture(images, drawn[i], finds[drawn[i]], LongestSide);
            Save(Path.Combine(folder, $"test-{i:D3}.png"), sketch.Image);
        }

        Save(Path.Combine(folder, "precision-recall.png"), CurvePicture.Draw(scores));
        var mistakes = Mistakes.Of(images, judged, found).Take(MostMistakes).ToList();
        Save(Path.Combine(folder, "mistakes.png"), Sheet(images, mistakes).Image);
        return $"{folder}: {drawn.Count} test images (white: the truth; colors: found with a score of {LeastScore} " +
            $"or more), precision-recall.png, and mistakes.png with the worst {mistakes.Count}";
    }

    /// <summary>An image with the true boxes in white and the detections in the colors of their classes.</summary>
    internal static Sketch Picture(BoxedImages images, int index, IEnumerable<FoundObject> found, int longest)
    {
        using var image = images.Read(index);
        var sketch = Sketch.Of(image, longest);
        var scale = sketch.Width / (double)image.Width;
        foreach (var truth in images[index].Boxes)
        {
            sketch.Outline(truth.Left * scale, truth.Top * scale, truth.Right * scale, truth.Bottom * scale, Truth, 1);
        }

        var shown = found.Where(item => item.Score >= LeastScore).OrderBy(item => item.Score).ToList();
        foreach (var item in shown)
        {
            sketch.Outline(
                item.Left * scale, item.Top * scale, item.Right * scale, item.Bottom * scale,
                Sketch.ColorOf(item.Label), 2);
        }

        foreach (var item in shown)
        {
            sketch.Label(
                item.Left * scale,
                (item.Top * scale) - PictureText.Height(Sketch.TextSize) - 1,
                FormattableString.Invariant($"{images.ClassNames[item.Label]} {100 * item.Score:F0} %"),
                Sketch.ColorOf(item.Label));
        }

        return sketch;
    }

    private static Sketch Sheet(BoxedImages images, List<Mistake> mistakes)
    {
        const int gap = 12, head = 36, caption = 20;
        var rows = Math.Max(1, (mistakes.Count + Columns - 1) / Columns);
        var sheet = new Sketch(
            (Columns * (ThumbSide + gap)) + gap,
            (rows * (ThumbSide + caption + gap)) + gap + head);
        sheet.Text(
            gap,
            gap,
            mistakes.Count == 0 ? "No mistakes" : "The worst mistakes: wrong detections by score, and missed objects",
            Ink,
            Sketch.TitleSize);
        for (var i = 0; i < mistakes.Count; i++)
        {
            var (mistake, left, top) = (
                mistakes[i],
                gap + (i % Columns * (ThumbSide + gap)),
                gap + head + (i / Columns * (ThumbSide + caption + gap)));
            using var image = images.Read(mistake.Image);
            var thumb = Sketch.Of(image, ThumbSide);
            var scale = thumb.Width / (double)image.Width;
            thumb.Outline(
                mistake.Box.Left * scale, mistake.Box.Top * scale, mistake.Box.Right * scale,
                mistake.Box.Bottom * scale, Sketch.ColorOf(mistake.Box.Label), 2);
            sheet.Place(thumb, left, top + caption);
            var text =
                mistake.Box.Score > 0
                    ? FormattableString.Invariant($"{100 * mistake.Box.Score:F0} %: {mistake.What}")
                    : mistake.What;
            sheet.Text(left, top, PictureText.Cut(text, ThumbSide, Sketch.TextSize), Ink);
        }

        return sheet;
    }

    private static void Save(string path, ImageBuffer image) =>
        AtomicFile.Write(path, stream => stream.Write(ImageEncoder.Png(image)));
}
