using System.Text.Json;
using System.Text.Json.Nodes;
using MoCoSharp.Runs;

namespace MoCoSharp.Cli.Studies;

/// <summary>A run of a candidate, as the board shows it.</summary>
/// <param name="Candidate">Name of the candidate.</param>
/// <param name="Settings">Its settings over the recipe, in one line.</param>
/// <param name="Seed">Seed of the run.</param>
/// <param name="Knn">Accuracy after the last epoch, 0 to 1; NaN if training diverged.</param>
/// <param name="Untrained">Accuracy before the first step, 0 to 1.</param>
/// <param name="Epochs">Epochs that the budget held.</param>
/// <param name="Minutes">Time of the whole run, its evaluations included.</param>
/// <param name="EffectiveRank">Effective rank in the last step that measured it; null if none did.</param>
/// <param name="Protocol">How it was judged.</param>
internal sealed record BudgetRow(
    string Candidate, string Settings, long Seed, double Knn, double Untrained, int Epochs, double Minutes,
    double? EffectiveRank, string Protocol)
{
    /// <summary>The file of a run that a board reads, beside config.json.</summary>
    public const string FileName = "board.json";

    /// <summary>Notes in a run folder which candidate it is, and adds the time that it trained.</summary>
    public static void Save(string folder, BudgetCandidate candidate, double seconds)
    {
        var before = Noted(folder)?["seconds"]?.GetValue<double>() ?? 0;
        StudyTable.Put(folder, FileName, new JsonObject
        {
            ["candidate"] = candidate.Name,
            ["settings"] = candidate.Text,
            ["seconds"] = Math.Round(before + seconds, 1),
        }.ToJsonString());
    }

    /// <summary>The settings of the candidate in a run folder; null if it is not one of a board.</summary>
    public static string? SettingsIn(string folder) => (string?)Noted(folder)?["settings"];

    /// <summary>The result in a run folder; null if the run has not ended.</summary>
    public static BudgetRow? Read(string folder)
    {
        if (!RunFolder.Exists(folder) || Noted(folder) is not { } noted)
        {
            return null;
        }

        var run = RunFolder.Open(folder);
        var config = run.ReadConfig();
        var lines = RunFolder.ReadMetrics(run.MetricsPath).ToList();
        var accuracies = lines.Where(line => line.ContainsKey("knn")).ToList();
        var last = accuracies.LastOrDefault(line => (int?)line["epoch"] == config.Epochs);
        var diverged = File.Exists(run.DivergedPath);
        return last is null && !diverged
            ? null
            : new(
                (string)noted["candidate"]!,
                (string)noted["settings"]!,
                config.Seed,
                diverged ? double.NaN : (double)last!["knn"]!,
                accuracies.Where(line => (long)line["step"]! == 0).Select(line => (double)line["knn"]!)
                    .DefaultIfEmpty(double.NaN).First(),
                config.Epochs,
                (double)noted["seconds"]! / 60,
                lines.Select(line => (double?)line["health"]?["effectiveRank"]).LastOrDefault(rank => rank is not null),
                (string?)accuracies.LastOrDefault()?["protocol"] ?? "");
    }

    private static JsonObject? Noted(string folder)
    {
        var path = Path.Combine(folder, FileName);
        try
        {
            return File.Exists(path) ? JsonNode.Parse(File.ReadAllText(path)) as JsonObject : null;
        }
        catch (JsonException)
        {
            return null; // written again after the next run
        }
    }
}
