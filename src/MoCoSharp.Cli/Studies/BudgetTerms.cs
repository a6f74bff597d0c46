using System.Globalization;
using System.Text.Json.Nodes;
using MoCoSharp.Cli.CommandLine;
using MoCoSharp.Runs;

namespace MoCoSharp.Cli.Studies;

/// <summary>What all candidates of a budget study have in common.</summary>
/// <param name="Recipe">The recipe that candidates change.</param>
/// <param name="Settings">Settings over the recipe, including its images.</param>
/// <param name="Minutes">The budget of a run.</param>
/// <param name="Judge">The value of validation: the part of the training images set aside, or the test images.</param>
/// <param name="IsFinal">Whether the test images judge.</param>
internal sealed record BudgetTerms(
    string Recipe, IReadOnlyList<string> Settings, double Minutes, string? Judge, bool IsFinal)
{
    /// <summary>The part of the training images that judges if --val names none.</summary>
    public const string HeldOut = "held-out:0.1";

    private const string FileName = "study.json";

    // The protocol that judges: before the first step and after the last epoch.
    private static readonly string[] Protocol =
    [
        "knn.everyEpochs=1000000", "knn.neighbours=200", "knn.temperature=0.1", "knn.layer=pooled",
    ];

    // Settings that are the same for all candidates.
    private static readonly string[] Fixed = ["data", "epochs", "knn", "minutes", "seed", "validation"];

    /// <summary>The prefix of run folders and tables that the test images judge.</summary>
    public string Prefix => IsFinal ? "final-" : "";

    /// <summary>Whether a part of the training images judges, rather than other images.</summary>
    public bool JudgesWithTrainingImages => IsHeldOut(Judge);

    /// <summary>All settings of a candidate over the recipe.</summary>
    public IReadOnlyList<string> SettingsOf(BudgetCandidate candidate) =>
    [
        .. Settings, .. candidate.Settings, .. Protocol,
        .. Judge is null ? [] : CommandLine.Settings.Text("validation", Judge),
        string.Create(CultureInfo.InvariantCulture, $"minutes={Minutes}"),
    ];

    /// <summary>The configuration of a candidate with the first seed; null if it has faults.</summary>
    public RunConfig? ConfigOf(BudgetCandidate candidate, ICollection<string> faults)
    {
        var own = new List<string>();
        var config = Recipes.TryLoad(Recipe, SettingsOf(candidate), own);
        if (IsFinal && IsHeldOut(config?.Validation))
        {
            own.Add(
                $"validation is \"{config!.Validation}\", but --final judges by test images: name them with --val.");
        }

        own.AddRange(candidate.Settings.Where(setting => IsOf(setting, Fixed)).Select(Refusal));
        foreach (var fault in own)
        {
            faults.Add($"candidate {candidate.Name}: {fault}");
        }

        return config;
    }

    /// <summary>Settings of all candidates that the study chooses itself; a sentence for each.</summary>
    public IEnumerable<string> Faults() => Settings
        .Where(setting => IsOf(setting, Fixed) && !IsOf(setting, "data", "seed"))
        .Select(setting => $"--set {Refusal(setting)}");

    /// <summary>Writes the terms into the folder of a study, or compares them with those that are there.</summary>
    /// <returns>A sentence for each difference.</returns>
    public IReadOnlyList<string> Settle(string folder)
    {
        var now = new JsonObject
        {
            ["recipe"] = Recipe,
            ["settings"] = string.Join(' ', Settings),
            ["minutes"] = Minutes,
            [$"{Prefix}judge"] = Judge ?? "",
        };
        var path = Path.Combine(folder, FileName);
        if (!File.Exists(path))
        {
            Directory.CreateDirectory(folder);
            StudyTable.Put(folder, FileName, now.ToJsonString());
            return [];
        }

        var before = JsonNode.Parse(File.ReadAllText(path))!.AsObject();
        string[] differences =
        [
            .. now
                .Where(item => before.ContainsKey(item.Key) && !JsonNode.DeepEquals(item.Value, before[item.Key]))
                .Select(item =>
                    $"{folder} has runs with another {item.Key}: {before[item.Key]?.ToJsonString()}, here " +
                    $"{item.Value?.ToJsonString()}. Name another folder with --run."),
        ];
        if (differences.Length == 0)
        {
            // The test images have a judge of their own.
            before[$"{Prefix}judge"] = Judge ?? "";
            StudyTable.Put(folder, FileName, before.ToJsonString());
        }

        return differences;
    }

    private static bool IsHeldOut(string? source) => source?.Split(':')[0] == HeldOut.Split(':')[0];

    private static string Refusal(string setting) =>
        $"{setting}: the study chooses this itself, the same for all candidates. Leave it out.";

    // "knn.layer=head" is a setting of "knn".
    private static bool IsOf(string setting, params string[] keys) =>
        keys.Contains(setting.Split('=')[0].Split('.')[0]);
}
