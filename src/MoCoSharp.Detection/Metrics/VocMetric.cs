using MoCoSharp.Detection.Datasets;
using MoCoSharp.Detection.Model;

namespace MoCoSharp.Detection.Metrics;

/// <summary>Average precision at ten IoUs, as Pascal VOC's evaluation computes it.</summary>
/// <remarks>
/// Everingham et al. 2010, <see href="https://doi.org/10.1007/s11263-009-0275-4"/>. Detections are rounded as
/// detectron2 writes them: corners counted from 1 with one decimal, scores with three, which makes ties. Corners are
/// inclusive pixels, hence the +1 in sizes. Among equal scores, the detection of the earlier image ranks first.
/// </remarks>
internal static class VocMetric
{
    private const int Thresholds = 10;

    /// <summary>Computes the scores.</summary>
    /// <param name="images">
    /// The images with their true boxes. A class without counted objects has no score, and is left out of means.
    /// </param>
    /// <param name="judged">Indices of the images that count.</param>
    /// <param name="found">Detections in these images.</param>
    /// <param name="elevenPoints">
    /// Whether to average the best precision at eleven recalls, as in 2007 and in papers on the 2007 test. Otherwise
    /// the score is the area under the curve, which differs.
    /// </param>
    public static DetectionScores Of(
        BoxedImages images, IReadOnlyList<int> judged, IReadOnlyList<FoundObject> found, bool elevenPoints)
    {
        ArgumentNullException.ThrowIfNull(images);
        ArgumentNullException.ThrowIfNull(judged);
        ArgumentNullException.ThrowIfNull(found);
        var classes = images.ClassNames.Count;
        var aps = new double[classes, Thresholds];
        var curves = new IReadOnlyList<(double, double)>[classes];
        Parallel.For(0, classes, label =>
        {
            var truths = judged.ToDictionary(
                image => image,
                image => images[image].Boxes.Where(box => box.Label == label).Select(Pixels.Of).ToArray());
            Pixels[] finds =
            [
                .. found
                    .Where(item => item.Label == label)
                    .Select(Pixels.Of)
                    .OrderByDescending(item => item.Score)
                    .ThenBy(item => item.Image),
            ];
            for (var t = 0; t < Thresholds; t++)
            {
                var curve = Curve(finds, truths, (50 + (5 * t)) / 100.0);
                aps[label, t] =
                    curve is null ? double.NaN
                    : elevenPoints ? AveragePrecision.ElevenPoints(curve)
                    : AveragePrecision.Area(curve);
                curves[label] = t == 0 ? curve ?? [] : curves[label];
            }
        });
        var means = Enumerable
            .Range(0, Thresholds)
            .Select(t => DetectionMetrics.Mean(Enumerable.Range(0, classes).Select(label => aps[label, t])))
            .ToList();
        return new DetectionScores(
            elevenPoints ? "VOC 2007, 11 points" : "VOC, area under the curve", means.Average(), means[0], means[5],
            [.. Enumerable.Range(0, classes).Select(label => new ClassScore(
                images.ClassNames[label],
                Enumerable.Range(0, Thresholds).Average(t => aps[label, t]),
                aps[label, 0],
                curves[label])),
    ]);
    }

    // Recall and precision after each detection that counts; null if there is no object to find.
    private static List<(double Recall, double Precision)>? Curve(
        Pixels[] finds,
        Dictionary<int, Pixels[]> truths,
        double threshold)
    {
        var objects = truths.Values.Sum(boxes => boxes.Count(box => !box.IsDifficult));
        if (objects == 0)
        {
            return null;
        }

        var taken = truths.ToDictionary(item => item.Key, item => new bool[item.Value.Length]);
        var curve = new List<(double, double)>();
        int hits = 0, misses = 0;
        foreach (var find in finds)
        {
            var candidates = truths[find.Image];
            var (best, iou) = (-1, double.NegativeInfinity);
            for (var i = 0; i < candidates.Length; i++)
            {
                if (find.Iou(candidates[i]) is var value && value > iou)
                {
                    (best, iou) = (i, value);
                }
            }

            if (!(iou > threshold))
            {
                misses++;
            }
            else if (!candidates[best].IsDifficult)
            {
                _ = taken[find.Image][best] ? misses++ : hits++;
                taken[find.Image][best] = true;
            }

            curve.Add((hits / (double)objects, hits / Math.Max(hits + misses, double.Epsilon)));
        }

        return curve;
    }

    // Corners counted from 1 and inclusive, as in VOC's files.
    private readonly record struct Pixels(
        int Image, double Score, double Left, double Top, double Right, double Bottom, bool IsDifficult)
    {
        public static Pixels Of(ObjectBox box) =>
            new(0, 0, box.Left + 1, box.Top + 1, box.Right, box.Bottom, box.IsDifficult);

        public static Pixels Of(FoundObject found) => new(
            found.Image, Decimals.Round(found.Score, 3), Decimals.Round(found.Left + 1, 1),
            Decimals.Round(found.Top + 1, 1), Decimals.Round(found.Right, 1), Decimals.Round(found.Bottom, 1),
            false);

        public double Iou(Pixels other)
        {
            var width = Math.Max(Math.Min(Right, other.Right) - Math.Max(Left, other.Left) + 1, 0);
            var height = Math.Max(Math.Min(Bottom, other.Bottom) - Math.Max(Top, other.Top) + 1, 0);
            var common = width * height;
            return common / (Area + other.Area - common);
        }

        private double Area => (Right - Left + 1) * (Bottom - Top + 1);
    }
}

/// <summary>
/// Rounds as printing with a number of decimals does in C and Python: ties go to the even digit.
/// </summary>
internal static class Decimals
{
    /// <summary>Rounds a number.</summary>
    /// <param name="value">A finite number.</param>
    /// <param name="digits">1 to 3.</param>
    public static double Round(double value, int digits)
    {
        var power = digits switch { 1 => 10.0, 2 => 100.0, _ => 1000.0 };
        var halves = value * (1 << (digits + 1)); // exact; for a tie, it is an odd integer
        if (Math.Abs(halves) < 1L << 50 && halves == Math.Floor(halves) && Math.Abs(halves % 2) == 1)
        {
            var below = Math.Floor(value * power);
            return (below % 2 == 0 ? below : below + 1) / power;
        }

        return double.Parse(
            value.ToString($"F{digits}", System.Globalization.CultureInfo.InvariantCulture),
            System.Globalization.CultureInfo.InvariantCulture);
    }
}
