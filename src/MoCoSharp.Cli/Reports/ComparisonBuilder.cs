using System.Text.Json.Nodes;
using MoCoSharp.Data;
using MoCoSharp.Diagnostics;
using MoCoSharp.Report.Html;
using MoCoSharp.Report.RunReports;
using MoCoSharp.Runs;
using static System.FormattableString;

namespace MoCoSharp.Cli.Reports;

/// <summary>Collects a comparison from run folders, which are only read.</summary>
internal static class ComparisonBuilder
{
    private sealed record Part(
        string Name, RunConfig Config, List<JsonObject> Metrics, RunWorth? Worth, List<RunScore> Scores);

    /// <summary>Collects the comparison.</summary>
    /// <param name="paths">Different run folders, at least two.</param>
    /// <exception cref="InvalidDataException">A configuration cannot be read.</exception>
    public static RunComparison Create(IReadOnlyList<string> paths)
    {
        var names = Names(paths);
        List<Part> runs = [.. paths.Select((path, i) => Read(RunFolder.Open(path), names[i]))];
        var differences = ConfigurationDifferences.Of([.. runs.Select(run => run.Config.ToJson())]);
        var (stepTitle, units) = Axis(runs);
        return new RunComparison
        {
            Verdict = ComparisonVerdict.Of([.. runs.Select(run => (run.Name, run.Worth))]),
            Runs =
            [
                .. runs.Select((run, i) => Overview(run, ConfigurationDifferences.Settings(differences, i))),
            ],
            Charts = ComparisonCharts.Merge(
            [
                .. runs.Select((run, i) => (run.Name, RunCharts.From(run.Config, run.Metrics, run.Worth), units[i])),
            ]),
            StepTitle = stepTitle,
            Scores = [.. Monitors(runs), .. Evaluations(runs)],
            Differences = differences.Count == 0 ? null : new PageTable(
                "",
                [
                    ["setting", .. names],
                    .. differences.Select(row => (IReadOnlyList<string>)[row.Setting, .. row.Values]),
                ]),
        };
    }

    /// <summary>The name of each folder; the path as given where names repeat.</summary>
    private static string[] Names(IReadOnlyList<string> paths)
    {
        string[] names = [.. paths.Select(path => Path.GetFileName(
            Path.GetFullPath(path).TrimEnd(Path.DirectorySeparatorChar)))];
        return names.Distinct().Count() == names.Length ? names : [.. paths];
    }

    private static Part Read(RunFolder run, string name)
    {
        var (metrics, worth) = (RunFolder.ReadMetrics(run.MetricsPath).ToList(), RunWorth.Read(run));
        var baselines = Path.Combine(run.Path, "baselines.json");
        var wasJudged = metrics.Exists(line => line.ContainsKey("knn") && (long)line["step"]! > 0);
        if (worth?.Knn is null && wasJudged && File.Exists(baselines))
        {
            Console.Error.WriteLine(
                $"moco: warning: {baselines} cannot be read, so the run has no kNN accuracy here. `moco pretrain " +
                $"--resume --run {Shell.Quote(run.Path)}` measures it again.");
        }

        return new(name, run.ReadConfig(), metrics, worth, [.. RunScore.Read(run, name)]);
    }

    // Runs with batches of different sizes are comparable by epochs.
    private static (string Title, double[] UnitsPerStep) Axis(List<Part> runs)
    {
        var perEpoch = runs.ConvertAll(run => RunCharts.StepsPerEpoch(run.Metrics));
        return perEpoch.TrueForAll(steps => steps is not null)
            ? ("epoch", [.. perEpoch.Select(steps => 1 / steps!.Value)])
            : ("step", [.. runs.Select(_ => 1.0)]);
    }

    private static ComparedRun Overview(Part run, IReadOnlyList<string> differences)
    {
        var linear = run.Scores
            .Where(score => score.Evaluation.StartsWith("linear", StringComparison.Ordinal))
            .MaxBy(score => (score.Step, score.Interval is not null));
        return new ComparedRun(
            run.Name, differences,
            run.Worth?.Knn is { } knn ? WorthTable.Score(knn) : "-",
            linear is null ? "-" : Percent(linear),
            WorthTable.Number(run.Worth?.LabelFree?.PooledRank),
            RunCharts.TrainingSeconds(run.Metrics, run.Config.BatchSize) is { } seconds ? Time(seconds) : "-",
            run.Worth?.Verdict ?? "-");
    }

    private static string Percent(RunScore score) =>
        Invariant($"{100 * score.Top1:F2}{(score.Interval is null ? "" : $" ({score.Interval})")}");

    private static string Time(double seconds) =>
        seconds < 100 ? Invariant($"{seconds:F0} s")
        : seconds < 6000 ? Invariant($"{seconds / 60:F0} min")
        : Invariant($"{seconds / 3600:F1} h");

    private static IEnumerable<PageTable> Monitors(List<Part> runs) => WorthTable
        .Tables([.. runs.Where(run => run.Worth is not null).Select(run => (run.Name, run.Worth!))])
        .Select(table => new PageTable(table.Title, table.Rows));

    private static IEnumerable<PageTable> Evaluations(List<Part> runs) => runs
        .SelectMany(run => run.Scores)
        .GroupBy(score => score.Protocol)
        .Select(protocol => new PageTable(
            $"{protocol.First().Evaluation}: {protocol.Key}",
            [
                ["run", "step", "seed", "top-1 (95 %)", "top-5"],
                .. protocol
                    .OrderByDescending(score => score.Top1)
                    .Select(score => (IReadOnlyList<string>)
                    [
                        score.Run, Invariant($"{score.Step}"), Invariant($"{score.Seed}"), Percent(score),
                        score.Top5 is { } top5 ? Invariant($"{100 * top5:F2}") : "-",
                    ]),
            ])
        { Notes = [.. RunScore.Seeds(protocol)] });
}
