using MoCoSharp.Detection.Datasets;
using MoCoSharp.Detection.Model;
using MoCoSharp.Models;

namespace MoCoSharp.Detection.Metrics;

/// <summary>Average precision and recall for boxes, as COCO's evaluation computes them.</summary>
/// <remarks>
/// Lin et al. 2014, <see href="https://arxiv.org/abs/1405.0312"/>, with the arithmetic of the published evaluator: ten
/// IoUs, 101 recalls, and the best 1, 10 and 100 detections of a class in an image. Objects are small (up to 32 x 32
/// pixels), medium (up to 96 x 96) or large, by the annotation's area. Out-of-range objects and crowds are ignored:
/// they are neither missed nor false positives.
/// </remarks>
internal static class CocoMetric
{
    private const int Recalls = 101;
    private static readonly double[] Ious =
    [
        .. Enumerable.Range(0, 9).Select(i => (i * ((0.95 - 0.5) / 9)) + 0.5),
        0.95,
    ];
    private static readonly int[] MostFinds = [1, 10, 100];
    private static readonly (string Name, double From, double To)[] Ranges =
    [
        ("", 0, 1e10), ("Small", 0, 32 * 32), ("Medium", 32 * 32, 96 * 96), ("Large", 96 * 96, 1e10),
    ];

    /// <summary>Computes the scores.</summary>
    /// <param name="images">The images with their true boxes.</param>
    /// <param name="judged">Indices of the images that count.</param>
    /// <param name="found">Detections in these images.</param>
    public static DetectionScores Of(BoxedImages images, IReadOnlyList<int> judged, IReadOnlyList<FoundObject> found)
    {
        ArgumentNullException.ThrowIfNull(images);
        ArgumentNullException.ThrowIfNull(judged);
        ArgumentNullException.ThrowIfNull(found);
        var classes = images.ClassNames.Count;
        var finds = found.ToLookup(item => (item.Image, item.Label));
        int[] order = [.. judged.Order()];
        var results = new ClassResult[classes];
        Parallel.For(
            0,
            classes,
            label =>
                results[label] = Judge([
                    .. order.Select(image =>
                        (
                            images[image].Boxes.Where(box => box.Label == label).ToArray(),
                            finds[(image, label)].OrderByDescending(item => item.Score).Take(MostFinds[^1]).ToArray())),
                ]));
        double Precision(int range, int? iou) =>
            DetectionMetrics.Mean(
                results.SelectMany(result =>
                    iou is { } only
                        ? result.Precision(range, only)
                        : Enumerable.Range(0, Ious.Length).SelectMany(t => result.Precision(range, t))));
        double Recall(int range, int most) =>
            DetectionMetrics.Mean(
                results.SelectMany(result =>
                    Enumerable.Range(0, Ious.Length).Select(t => result.Recall(range, t, most))));
        return new DetectionScores(
            "COCO", Precision(0, null), Precision(0, 0), Precision(0, 5),
            [
                .. Enumerable
                    .Range(0, classes)
                    .Select(label => new ClassScore(
            images.ClassNames[label],
            DetectionMetrics.Mean(Enumerable.Range(0, Ious.Length).SelectMany(t => results[label].Precision(0, t))),
            DetectionMetrics.Mean(results[label].Precision(0, 0)),
            [.. results[label].Precision(0, 0).Select((precision, i) => (i * 0.01, precision))]))])
        {
            Others = new Dictionary<string, double>(StringComparer.Ordinal)
            {
                ["apSmall"] = Precision(1, null), ["apMedium"] = Precision(2, null), ["apLarge"] = Precision(3, null),
                ["ar1"] = Recall(0, 0), ["ar10"] = Recall(0, 1), ["ar100"] = Recall(0, 2),
                ["arSmall"] = Recall(1, 2), ["arMedium"] = Recall(2, 2), ["arLarge"] = Recall(3, 2),
            },
        };
    }

    // One class, over all images.
    private static ClassResult Judge((ObjectBox[] Truths, FoundObject[] Finds)[] images)
    {
        var result = new ClassResult();
        var ious = images.Select(image => Matches(image.Truths, image.Finds)).ToList();
        for (var range = 0; range < Ranges.Length; range++)
        {
            var (_, from, to) = Ranges[range];
            var isOut = images
                .Select(image =>
                    image.Truths.Select(truth => truth.IsCrowd || truth.Area < from || truth.Area > to).ToArray())
                .ToList();
            var toFind = isOut.Sum(flags => flags.Count(flag => !flag));
            if (toFind == 0)
            {
                continue; // no score
            }

            for (var t = 0; t < Ious.Length; t++)
            {
                var outcomes = images
                    .Select((image, i) => Outcomes(image.Truths, image.Finds, ious[i], isOut[i], Ious[t], from, to))
                    .ToList();
                for (var most = 0; most < MostFinds.Length; most++)
                {
                    var sorted = outcomes
                        .SelectMany(list => list.Take(MostFinds[most]))
                        .OrderByDescending(item => item.Score)
                        .ToList(); // stable
                    result.Set(range, t, most, Curve(sorted, toFind));
                }
            }
        }

        return result;
    }

    private static double[,] Matches(ObjectBox[] truths, FoundObject[] finds)
    {
        var ious = new double[finds.Length, truths.Length];
        for (var d = 0; d < finds.Length; d++)
        {
            for (var g = 0; g < truths.Length; g++)
            {
                var width = Math.Min(finds[d].Right, truths[g].Right) - Math.Max(finds[d].Left, truths[g].Left);
                var height = Math.Min(finds[d].Bottom, truths[g].Bottom) - Math.Max(finds[d].Top, truths[g].Top);
                var common = width <= 0 || height <= 0 ? 0 : width * height;
                ious[d, g] =
                    common
                    / (
                        truths[g].IsCrowd
                            ? Area(finds[d])
                            : Area(finds[d]) + (truths[g].Width * truths[g].Height) - common);
            }
        }

        return ious;
    }

    // Each detection matches the free object with the highest IoU. It matches an ignored object only if no other is
    // left. A crowd matches any number of times.
    private static List<(double Score, bool IsHit, bool Counts)> Outcomes(
        ObjectBox[] truths, FoundObject[] finds, double[,] ious, bool[] isOut, double threshold, double from,
        double to)
    {
        int[] order = [.. Enumerable.Range(0, truths.Length).OrderBy(g => isOut[g])];
        var taken = new bool[truths.Length];
        var outcomes = new List<(double, bool, bool)>();
        for (var d = 0; d < finds.Length; d++)
        {
            var (match, best) = (-1, Math.Min(threshold, 1 - 1e-10));
            foreach (var g in order)
            {
                if (taken[g] && !truths[g].IsCrowd)
                {
                    continue;
                }

                if (match >= 0 && !isOut[match] && isOut[g])
                {
                    break;
                }

                if (ious[d, g] >= best)
                {
                    (match, best) = (g, ious[d, g]);
                }
            }

            var area = Area(finds[d]);
            outcomes.Add((finds[d].Score, match >= 0, match >= 0 ? !isOut[match] : area >= from && area <= to));
            if (match >= 0)
            {
                taken[match] = true;
            }
        }

        return outcomes;
    }

    private static (double[] Precision, double Recall) Curve(
        List<(double Score, bool IsHit, bool Counts)> finds,
        int toFind)
    {
        const double spacing = 2.220446049250313e-16; // machine epsilon, so that 0 / 0 is 0
        var recall = new double[finds.Count];
        var precision = new double[finds.Count];
        double hits = 0, misses = 0;
        for (var i = 0; i < finds.Count; i++)
        {
            hits += finds[i].IsHit && finds[i].Counts ? 1 : 0;
            misses += !finds[i].IsHit && finds[i].Counts ? 1 : 0;
            recall[i] = hits / toFind;
            precision[i] = hits / (misses + hits + spacing);
        }

        for (var i = finds.Count - 1; i > 0; i--)
        {
            precision[i - 1] = Math.Max(precision[i - 1], precision[i]);
        }

        var at = new double[Recalls];
        for (int r = 0, i = 0; r < Recalls; r++)
        {
            var wanted = r == Recalls - 1 ? 1 : r * 0.01;
            while (i < recall.Length && recall[i] < wanted)
            {
                i++;
            }

            at[r] = i < recall.Length ? precision[i] : 0;
        }

        return (at, recall.Length == 0 ? 0 : recall[^1]);
    }

    private static double Area(FoundObject found) => (found.Right - found.Left) * (found.Bottom - found.Top);

    // By range, IoU and number of detections; absent if there is no object to find.
    private sealed class ClassResult
    {
        private readonly (double[] Precision, double Recall)?[,,] _curves = new (double[], double)?[
            Ranges.Length,
            Ious.Length,
            MostFinds.Length
        ];

        public void Set(int range, int iou, int most, (double[] Precision, double Recall) curve) =>
            _curves[range, iou, most] = curve;

        public double[] Precision(int range, int iou) => _curves[range, iou, MostFinds.Length - 1]?.Precision ?? [];

        public double Recall(int range, int iou, int most) => _curves[range, iou, most]?.Recall ?? double.NaN;
    }
}
