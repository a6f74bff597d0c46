using MoCoSharp.Detection.Datasets;
using MoCoSharp.Detection.Model;

namespace MoCoSharp.Detection.Metrics;

/// <summary>Average precision as Pascal VOC's evaluation computes it, at ten IoUs.</summary>
/// <remarks>
/// Everingham et al. 2010, <see href="https://doi.org/10.1007/s11263-009-0275-4"/>. As detectron2 hands finds to it:
/// corners counted from 1 and written with one decimal, scores with three, which makes ties; sizes are of pixels that
/// lie inside, hence the +1. Of equal scores the earlier image's find counts as better.
/// </remarks>
internal static class VocMetric
{
    private const int Thresholds = 10;

    /// <summary>Judges.</summary>
    /// <param name="images">
    /// The truth; a class without objects that count has no number, and is left out of means.
    /// </param>
    /// <param name="judged">Indices of the images that count.</param>
    /// <param name="found">In those images.</param>
    /// <param name="elevenPoints">
    /// As in 2007, and as papers report the 2007 test: the mean of the best precision beyond eleven recalls. Else the
    /// area under the curve, which reads otherwise.
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

    // Recall and precision after each find that counts or misses; null where there is no object to find.
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

    // Corners counted from 1, both inside, as VOC's files have them.
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
/// A number as text with so many decimals has it: rounded, and at a tie to the even digit, as C and Python print.
/// </summary>
internal static class Decimals
{
    /// <summary>Rounds.</summary>
    /// <param name="value">Finite.</param>
    /// <param name="digits">1 to 3.</param>
    public static double Round(double value, int digits)
    {
        var power = digits switch { 1 => 10.0, 2 => 100.0, _ => 1000.0 };
        var halves = value * (1 << (digits + 1)); // a tie of decimals is an odd number of these: the product is exact
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
