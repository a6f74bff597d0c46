using MoCoSharp.Features;
using MoCoSharp.Runs;
using static System.FormattableString;

namespace MoCoSharp.Diagnostics;

/// <summary>Says whether an encoder is better than baselines, on the same queries.</summary>
internal static class KnnVerdict
{
    /// <summary>One sentence with the accuracy, its interval, and the comparison with each baseline.</summary>
    /// <param name="encoder">The trained encoder.</param>
    /// <param name="baselines">At least one, on queries of the same set.</param>
    public static string Sentence(KnnScore encoder, IReadOnlyList<KnnScore> baselines)
    {
        ArgumentNullException.ThrowIfNull(encoder);
        ArgumentNullException.ThrowIfNull(baselines);
        List<(KnnScore Score, PairedDifference Difference)> all =
        [
            .. baselines
                .Select(score => (score, PairedDifference.Of(encoder, score)))
                .OrderByDescending(item => item.score.Accuracy),
        ];
        string[] parts =
        [
            .. Part("worse than", all.Where(item => item.Difference.IsWorse), hasDifference: true),
            .. Part(
                "no better than", all.Where(item => item.Difference is { IsWorse: false, IsBetter: false }),
                hasDifference: true),
            .. Part("better than", all.Where(item => item.Difference.IsBetter), hasDifference: false),
        ];
        var (low, high) = encoder.Interval;
        // During a run, and of very many images, raw pixels are not measured.
        var isBetter = all.TrueForAll(item => item.Difference.IsBetter);
        var knowsPixels = baselines.Any(score => score.Name == KnnBaselines.RawPixels);
        return $"{(!isBetter ? "not worth it yet" : knowsPixels ? "worth it" : "so far, without raw pixels")}: " +
            Invariant($"kNN {100 * encoder.Accuracy:F1} % ({100 * low:F1} to {100 * high:F1}) is ") +
            $"{string.Join(", but ", parts)}; 95 % intervals, differences paired over {encoder.Right.Length} queries.";
    }

    /// <summary>A few words for a table.</summary>
    public static string Words(KnnScore encoder, IReadOnlyList<KnnScore> baselines)
    {
        var all = baselines.OrderByDescending(score => score.Accuracy).ToList();
        var worse = all.Find(score => PairedDifference.Of(encoder, score).IsWorse);
        var equal = all.Find(score => !PairedDifference.Of(encoder, score).IsBetter);
        return worse is not null ? $"worse than {Named(worse.Name)}"
            : equal is not null ? $"no better than {Named(equal.Name)}"
            : all.Exists(score => score.Name == KnnBaselines.RawPixels) ? "better than all baselines"
            : $"better than {Named(all[0].Name)}";
    }

    private static IEnumerable<string> Part(
        string relation, IEnumerable<(KnnScore Score, PairedDifference Difference)> items, bool hasDifference)
    {
        List<string> named =
        [
            .. items.Select(item =>
                Invariant($"{Named(item.Score.Name)} {100 * item.Score.Accuracy:F1}") +
                (hasDifference ? Invariant($" (difference {100 * item.Difference.Difference:+0.0;-0.0;0.0}, ") +
                    Invariant($"{100 * item.Difference.Low:F1} to {100 * item.Difference.High:F1})") : "")),
        ];
        return named.Count == 0 ? [] : [$"{relation} {Joined(named)}"];
    }

    private static string Joined(List<string> names) =>
        names.Count == 1 ? names[0] : $"{string.Join(", ", names.SkipLast(1))} and {names[^1]}";

    private static string Named(string name) => name switch
    {
        "color histogram" => "a color histogram",
        BaselinesFile.Untrained or BaselinesFile.Given => $"the {name}",
        _ => name,
    };
}
