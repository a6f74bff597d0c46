using System.Globalization;
using System.Text;
using MoCoSharp.PyTorch;

namespace MoCoSharp.Cli.Studies;

/// <summary>The result of one seed of a cell. NaN is a training that diverged.</summary>
internal readonly record struct StudyResult(double Knn, double Linear)
{
    /// <summary>The result of a training that diverged.</summary>
    public static StudyResult Diverged { get; } = new(double.NaN, double.NaN);
}

/// <summary>
/// Writes table.md, table.csv and plot.svg of a study: one line per cell, with mean and standard deviation over seeds
/// in percent.
/// </summary>
internal static class StudyTable
{
    /// <summary>Writes all three files atomically.</summary>
    public static void Write(
        string folder, string title, StudyKind kind, IReadOnlyList<StudyCell> cells,
        IReadOnlyDictionary<string, IReadOnlyList<StudyResult>> results)
    {
        Put(folder, "table.md", Markdown(title, kind, cells, results));
        Put(folder, "table.csv", Csv(kind, cells, results));
        var most = results.Values.Select(found => found.Count).DefaultIfEmpty(0).Max();
        Put(folder, "plot.svg", StudyPlot.Draw(
            title,
            most > 1 ? "Mean over seeds; bars from the lowest to the highest" : "One seed",
            kind.XLabel,
            "Top-1 accuracy in percent, linear classifier on cached features",
            from cell in cells
            let found = results.GetValueOrDefault(cell.Name) ?? []
            where found.Count > 0
            select PlotPoint.Of(cell.Series, cell.X, found.Select(result => 100 * result.Linear))));
    }

    internal static string Markdown(
        string title, StudyKind kind, IReadOnlyList<StudyCell> cells,
        IReadOnlyDictionary<string, IReadOnlyList<StudyResult>> results)
    {
        var text = new StringBuilder($"# {title}\n\n| {string.Join(" | ", kind.Columns)} | kNN | linear | seeds |\n");
        text.Append(
            CultureInfo.InvariantCulture,
            $"|{string.Concat(Enumerable.Repeat("---|", kind.Columns.Count))}---:|---:|---:|\n");
        foreach (var cell in cells)
        {
            var found = results.GetValueOrDefault(cell.Name) ?? [];
            text.Append(CultureInfo.InvariantCulture,
                $"| {string.Join(" | ", cell.Shown)} | {Shown(results, cell, result => result.Knn)} | " +
                $"{Shown(results, cell, result => result.Linear)} | {found.Count} |\n");
        }

        return text.Append(
                "\nTop-1 in percent, mean and standard deviation over seeds. kNN by the recipe's settings on pooled " +
                "features; linear is the fast protocol on cached\n"
                    + "features, not the official one. Each number's whole protocol is in evaluations/ of its run " +
                        "folder.\n")
            .ToString();
    }

    internal static string Csv(
        StudyKind kind,
        IReadOnlyList<StudyCell> cells,
        IReadOnlyDictionary<string, IReadOnlyList<StudyResult>> results)
    {
        var text = new StringBuilder($"{string.Join(',', kind.Columns)},seed,knn,linear\n");
        foreach (var cell in cells)
        {
            foreach (var (seed, result) in (results.GetValueOrDefault(cell.Name) ?? []).Index())
            {
                text.Append(
                    CultureInfo.InvariantCulture,
                    $"{string.Join(',', cell.Shown)},{seed},{result.Knn},{result.Linear}\n");
            }
        }

        return text.ToString();
    }

    // Another process of the same study may write the same file: each has a file of its own until it is whole.
    internal static void Put(string folder, string name, string text)
    {
        var own = Path.Combine(folder, $"{name}.{Environment.ProcessId}");
        AtomicFile.Write(own, stream => stream.Write(Encoding.UTF8.GetBytes(text)));
        AtomicFile.Replace(own, Path.Combine(folder, name));
    }

    private static string Shown(
        IReadOnlyDictionary<string, IReadOnlyList<StudyResult>> results,
        StudyCell cell,
        Func<StudyResult, double> number)
    {
        var values = Known(results, cell, number);
        var diverged = (results.GetValueOrDefault(cell.Name) ?? []).Count - values.Count;
        var spread = Deviation(values) is { } deviation ? FormattableString.Invariant($" ± {deviation:F2}") : "";
        var mean = values.Count == 0 ? null : FormattableString.Invariant($"{values.Average():F2}{spread}");
        return (mean, diverged) switch
        {
            (null, 0) => "",
            (null, _) => "diverged",
            (_, 0) => mean,
            _ => $"{mean}, {diverged} diverged",
        };
    }

    private static List<double> Known(
        IReadOnlyDictionary<string, IReadOnlyList<StudyResult>> results,
        StudyCell cell,
        Func<StudyResult, double> number) =>
        [
            .. (results.GetValueOrDefault(cell.Name) ?? [])
                .Select(number)
                .Where(double.IsFinite)
                .Select(value => 100 * value),
        ];

    private static double? Deviation(List<double> values) => values.Count < 2 ? null : SeedSpread.Of(values).Deviation;
}
