using MoCoSharp.Diagnostics;
using static System.FormattableString;

namespace MoCoSharp.Cli.Reports;

/// <summary>Says which of several runs has the highest kNN accuracy, and whether that may be chance.</summary>
internal static class ComparisonVerdict
{
    /// <summary>The conclusion, the most important sentence first.</summary>
    /// <param name="runs">The name of each run and its result; null if it was not measured.</param>
    public static IReadOnlyList<string> Of(IReadOnlyList<(string Name, RunWorth? Worth)> runs)
    {
        var protocols = runs
            .Where(run => run.Worth?.Knn is not null)
            .Select(run => (run.Name, Worth: run.Worth!))
            .GroupBy(run => run.Worth.Protocol)
            .OrderByDescending(group => group.Count())
            .ToList();
        if (protocols.Count == 0)
        {
            return ["No verdict: none of the runs has a kNN accuracy."];
        }

        var ordered = protocols[0].OrderByDescending(run => run.Worth.Knn!.Value.Accuracy).ToList();
        var others = runs.Count - ordered.Count;
        return
        [
            Best(ordered),
            .. others == 0 ? [] : new[]
            {
                $"{(others == 1 ? "One run was" : $"{others} runs were")} not measured by this protocol, and " +
                "cannot be compared by it.",
            },
            $"Protocol: {protocols[0].Key}.",
        ];
    }

    // "a, b and c".
    private static string Listed(List<string> names) => names.Count == 1
        ? names[0]
        : $"{string.Join(", ", names.SkipLast(1))} and {names[^1]}";

    private static string Best(List<(string Name, RunWorth Worth)> ordered)
    {
        var (accuracy, low, high) = ordered[0].Worth.Knn!.Value;
        var best = Invariant(
            $"Highest kNN accuracy: {ordered[0].Name} with {100 * accuracy:F1} % ({100 * low:F1} to {100 * high:F1}).");
        var near = ordered.Skip(1).Where(run => run.Worth.Knn!.Value.High >= low).Select(run => run.Name).ToList();
        return ordered.Count == 1 ? best
            : near.Count == 0 ? $"{best} The intervals of the other runs are below its interval."
            : $"{best} The {(near.Count == 1 ? "interval" : "intervals")} of {Listed(near)} " +
              $"{(near.Count == 1 ? "overlaps" : "overlap")} with it, so the difference may be chance.";
    }
}
