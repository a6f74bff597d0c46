using MoCoSharp.Report.RunReports;

namespace MoCoSharp.Cli.Reports;

/// <summary>Puts the curves of several runs into the same charts.</summary>
internal static class ComparisonCharts
{
    /// <summary>
    /// A chart for each kind of curve, with a curve for each run that has it. References are left out, and kinds that
    /// have one point in every run: the table of the runs has them.
    /// </summary>
    /// <param name="runs">The name of each run, its charts, and its units of the horizontal axis in a step.</param>
    public static IReadOnlyList<Chart> Merge(
        IReadOnlyList<(string Name, IReadOnlyList<Chart> Charts, double UnitsPerStep)> runs)
    {
        var kinds = runs
            .SelectMany(run => run.Charts.SelectMany(chart => chart.Curves
                .Where(curve => !curve.IsReference)
                .Select(curve => (
                    chart.Title, Kind: curve.Name,
                    Curve: curve with { Name = run.Name, UnitsPerStep = run.UnitsPerStep }))))
            .GroupBy(item => (item.Title, item.Kind))
            .Where(kind => kind.Any(item => item.Curve.Values.Count > 1))
            .ToList();
        var severalKinds = kinds.CountBy(kind => kind.Key.Title).Where(item => item.Value > 1).ToDictionary();
        return
        [
            .. kinds
                .OrderBy(kind => RunCharts.Titles.Index().First(item => item.Item == kind.Key.Title).Index) // stable
                .Select(kind => new Chart(
                    severalKinds.ContainsKey(kind.Key.Title)
                        ? $"{kind.Key.Title.Split(':')[0]}: {kind.Key.Kind}"
                        : kind.Key.Title,
                    [.. kind.Select(item => item.Curve)])),
        ];
    }
}
