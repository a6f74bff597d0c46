using System.Text.Json;
using System.Text.Json.Nodes;
using MoCoSharp.Cli.Studies;
using MoCoSharp.Data;
using MoCoSharp.Runs;
using static System.FormattableString;

namespace MoCoSharp.Cli;

/// <summary>The result of one evaluation of a run.</summary>
/// <param name="Run">The name of the run.</param>
/// <param name="Recipe">The configuration, equal for runs that differ only in their seed.</param>
/// <param name="Seed">The seed of the run.</param>
/// <param name="Step">Training steps of the encoder.</param>
/// <param name="Evaluation">"knn", "linear" and so on.</param>
/// <param name="Protocol">The complete protocol. Scores of different protocols are not comparable.</param>
/// <param name="Top1">Share of images that are classified correctly, 0 to 1.</param>
/// <param name="Top5">Share of images whose class is among the five likeliest; null if unknown.</param>
/// <param name="Interval">The 95 % interval of top-1 in percent, such as "81.20-84.10"; null if unknown.</param>
internal sealed record RunScore(
    string Run, string Recipe, long Seed, long Step, string Evaluation, string Protocol, double Top1, double? Top5,
    string? Interval)
{
    /// <summary>Reads evaluations/*.json of a run. Warns about a file that is no report of an evaluation.</summary>
    /// <param name="run">The run folder.</param>
    /// <param name="name">How the run is named.</param>
    public static IEnumerable<RunScore> Read(RunFolder run, string name)
    {
        var folder = Path.Combine(run.Path, "evaluations");
        if (!Directory.Exists(folder))
        {
            yield break;
        }

        var config = run.ReadConfig();
        var recipe = (config with { Seed = 0, Loader = new(), Threads = 0 }).ToJson();
        foreach (var path in Directory.GetFiles(folder, "*.json").Order(StringComparer.Ordinal))
        {
            if (Parse(path, name, recipe, config.Seed) is { } score)
            {
                yield return score;
            }
            else
            {
                Console.Error.WriteLine(
                    $"moco: warning: {path} is not an evaluation report with protocol and top1; skipped.");
            }
        }
    }

    /// <summary>The mean over seeds, a sentence for each recipe with several.</summary>
    /// <param name="scores">Of one protocol.</param>
    public static IEnumerable<string> Seeds(IEnumerable<RunScore> scores)
    {
        foreach (var seeds in scores
            .GroupBy(score => (score.Recipe, score.Step))
            .Where(group => group.Select(score => score.Seed).Distinct().Count() > 1))
        {
            var spread = SeedSpread.Of([.. seeds.Select(score => score.Top1)]);
            var (mean, deviation) = (100 * spread.Mean, 100 * spread.Deviation);
            yield return
                Invariant($"over {seeds.Count()} seeds of one recipe: {mean:F2}, ") +
                Invariant($"standard deviation {deviation:F2}, ") +
                Invariant($"95 % interval of the mean ± {100 * spread.HalfInterval:F2}");
        }
    }

    // Null if the file is no report of an evaluation. Its values may have any type.
    private static RunScore? Parse(string path, string run, string recipe, long seed)
    {
        try
        {
            return JsonNode.Parse(File.ReadAllText(path)) is JsonObject report
                && report["protocol"]?.GetValue<string>() is { } protocol
                && (report["top1"] ?? report["accuracy"])?.GetValue<double>() is { } top1
                ? new RunScore(
                    run, recipe, seed, report["step"]?.GetValue<long>() ?? 0,
                    report["evaluation"]?.GetValue<string>() ?? "?", protocol, top1,
                    report["top5"]?.GetValue<double>(), IntervalOf(report))
                : null;
        }
        catch (Exception error) when (
            error is JsonException or InvalidOperationException or FormatException or ArgumentException
                or IOException)
        {
            return null;
        }
    }

    private static string? IntervalOf(JsonObject report) => report["top1Interval95"] is JsonArray { Count: 2 } ends
        ? Invariant($"{100 * (double)ends[0].Required():F2}-{100 * (double)ends[1].Required():F2}")
        : null;
}
