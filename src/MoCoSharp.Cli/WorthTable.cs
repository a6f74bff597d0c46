using MoCoSharp.Diagnostics;
using static System.FormattableString;

namespace MoCoSharp.Cli;

/// <summary>The table of <c>moco compare</c> that says which runs were worth it, one for each protocol.</summary>
internal static class WorthTable
{
    /// <summary>The lines of the tables.</summary>
    /// <param name="runs">Each run's name and result.</param>
    public static IEnumerable<string> Lines(IReadOnlyList<(string Name, RunWorth Worth)> runs)
    {
        foreach (var protocol in runs.GroupBy(run => run.Worth.Protocol))
        {
            yield return "";
            yield return protocol.Key is { } named
                ? $"monitor: {named}"
                : "monitor without labels: higher is usually better, but does not prove that features are useful";
            foreach (var line in Table(protocol.Key is null ? Figures([.. protocol]) : Scores([.. protocol])))
            {
                yield return $"  {line}";
            }
        }
    }

    private static IEnumerable<string[]> Scores(List<(string Name, RunWorth Worth)> runs)
    {
        List<string> names =
        [
            .. runs.SelectMany(run => run.Worth.Baselines).Select(baseline => baseline.Name).Distinct(),
        ];
        yield return ["run", "step", "kNN (95 %)", .. names, "rank pooled", "rank head", "verdict"];
        foreach (var (name, worth) in runs.OrderByDescending(run => run.Worth.Knn?.Accuracy))
        {
            var (accuracy, low, high) = worth.Knn!.Value;
            yield return
            [
                name, Invariant($"{worth.Step}"),
                Invariant($"{100 * accuracy:F1} ({100 * low:F1}-{100 * high:F1})"),
                .. names.Select(column =>
                    worth.Baselines.Where(baseline => baseline.Name == column)
                        .Select(baseline => Invariant($"{100 * baseline.Accuracy:F1}"))
                        .FirstOrDefault("-")),
                .. Ranks(worth), worth.Verdict ?? "-",
            ];
        }
    }

    private static IEnumerable<string[]> Figures(List<(string Name, RunWorth Worth)> runs)
    {
        yield return ["run", "step", "rank pooled", "rank head", "LiDAR"];
        foreach (var (name, worth) in runs)
        {
            yield return [name, Invariant($"{worth.Step}"), .. Ranks(worth), Number(worth.LabelFree?.Lidar)];
        }
    }

    private static string[] Ranks(RunWorth worth) =>
        [Number(worth.LabelFree?.PooledRank), Number(worth.LabelFree?.HeadRank)];

    private static string Number(double? value) => value is null ? "-" : Invariant($"{value:F1}");

    // Columns as wide as their widest cell: the first and the last to the left, numbers to the right.
    private static IEnumerable<string> Table(IEnumerable<string[]> rows)
    {
        List<string[]> all = [.. rows];
        int[] widths = [.. Enumerable.Range(0, all[0].Length).Select(column => all.Max(row => row[column].Length))];
        return all.Select(row => string.Join("  ", row.Select((cell, column) =>
            column == 0 ? cell.PadRight(widths[column])
            : column == row.Length - 1 && all[0][^1] == "verdict" ? cell
            : cell.PadLeft(widths[column]))));
    }
}
