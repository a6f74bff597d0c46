using MoCoSharp.Diagnostics;
using static System.FormattableString;

namespace MoCoSharp.Cli;

/// <summary>The table of <c>moco compare</c> that says which runs were worth it, one for each protocol.</summary>
internal static class WorthTable
{
    /// <summary>The tables for a terminal.</summary>
    /// <param name="runs">Each run's name and result.</param>
    public static IEnumerable<string> Lines(IReadOnlyList<(string Name, RunWorth Worth)> runs)
    {
        foreach (var (title, rows) in Tables(runs))
        {
            yield return "";
            yield return title;
            foreach (var line in Aligned(rows))
            {
                yield return $"  {line}";
            }
        }
    }

    /// <summary>The cells of the tables. The first row is the heading.</summary>
    /// <param name="runs">Each run's name and result.</param>
    public static IEnumerable<(string Title, IReadOnlyList<string[]> Rows)> Tables(
        IReadOnlyList<(string Name, RunWorth Worth)> runs) => runs
        .GroupBy(run => run.Worth.Protocol)
        .Select(protocol => (
            protocol.Key is { } named
                ? $"monitor: {named}"
                : "monitor without labels: higher is usually better, but does not prove that features are useful",
            (IReadOnlyList<string[]>)
            [
                .. protocol.Key is null ? Figures([.. protocol]) : Scores([.. protocol]),
            ]));

    /// <summary>The latest kNN accuracy in percent, with its 95 % interval.</summary>
    public static string Score((double Accuracy, double Low, double High) knn) =>
        Invariant($"{100 * knn.Accuracy:F1} ({100 * knn.Low:F1}-{100 * knn.High:F1})");

    /// <summary>A figure, or "-" if it was not measured.</summary>
    public static string Number(double? value) => value is null ? "-" : Invariant($"{value:F1}");

    private static IEnumerable<string[]> Scores(List<(string Name, RunWorth Worth)> runs)
    {
        List<string> names =
        [
            .. runs.SelectMany(run => run.Worth.Baselines).Select(baseline => baseline.Name).Distinct(),
        ];
        yield return ["run", "step", "kNN (95 %)", .. names, "rank pooled", "rank head", "verdict"];
        foreach (var (name, worth) in runs.OrderByDescending(run => run.Worth.Knn?.Accuracy))
        {
            yield return
            [
                name, Invariant($"{worth.Step}"), Score(worth.Knn!.Value),
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

    // Columns as wide as their widest cell: the first and the last to the left, numbers to the right.
    private static IEnumerable<string> Aligned(IReadOnlyList<string[]> all)
    {
        int[] widths = [.. Enumerable.Range(0, all[0].Length).Select(column => all.Max(row => row[column].Length))];
        return all.Select(row => string.Join("  ", row.Select((cell, column) =>
            column == 0 ? cell.PadRight(widths[column])
            : column == row.Length - 1 && all[0][^1] == "verdict" ? cell
            : cell.PadLeft(widths[column]))));
    }
}
