using System.Text.Json;
using System.Text.Json.Nodes;

namespace MoCoSharp.Cli.Studies;

/// <summary>A candidate of the budget study: settings over the recipe.</summary>
/// <param name="Name">Prefix of its run folders, before the seed.</param>
/// <param name="Settings">Such as "moco.temperature=0.1"; empty for the recipe itself.</param>
internal sealed record BudgetCandidate(string Name, IReadOnlyList<string> Settings)
{
    /// <summary>The recipe without changes, the first candidate of every study.</summary>
    public static BudgetCandidate Recipe { get; } = new("recipe", []);

    /// <summary>The settings in one line.</summary>
    public string Text => string.Join(' ', Settings);

    /// <summary>Reads the candidates of --try and --candidates.</summary>
    /// <param name="tried">"name: key=value key=value", or the settings alone, which are then the name.</param>
    /// <param name="file">A JSON file, {"name": "key=value key=value"}; null for none.</param>
    /// <param name="faults">Receives a sentence for each fault.</param>
    /// <returns>The recipe, and the candidates in the given order.</returns>
    public static IReadOnlyList<BudgetCandidate> Read(
        IEnumerable<string> tried, string? file, ICollection<string> faults)
    {
        List<BudgetCandidate> all =
        [
            Recipe,
            .. (file is null ? [] : ReadFile(file, faults)).Concat(tried.Select(Parse)),
        ];
        foreach (var candidate in all)
        {
            if (candidate.Name.Length == 0 || candidate.Name.AsSpan().IndexOfAny('/', '\\', '\n') >= 0)
            {
                faults.Add(
                    $"candidate \"{candidate.Name}\": expected a name that a folder can have, before the colon.");
            }

            if (candidate.Name.StartsWith("final-", StringComparison.Ordinal))
            {
                faults.Add(
                    $"candidate \"{candidate.Name}\": names with \"final-\" are those of --final. " +
                    "Choose another name.");
            }

            if (candidate.Settings.FirstOrDefault(setting => !setting.Contains('=')) is { } wrong)
            {
                faults.Add($"candidate {candidate.Name}: \"{wrong}\" is no setting, expected key=value.");
            }
        }

        foreach (var name in all.GroupBy(item => item.Name).Where(group => group.Count() > 1))
        {
            faults.Add($"candidate {name.Key} is given {name.Count()} times. Give each candidate a name of its own.");
        }

        return all;
    }

    // The colon of "moco=null: ..." is not one of a path such as data=cifar10:PATH.
    private static BudgetCandidate Parse(string text)
    {
        var colon = text.IndexOf(": ", StringComparison.Ordinal);
        return colon > 0 && !text[..colon].Contains('=')
            ? new(text[..colon].Trim(), Words(text[(colon + 2)..]))
            : new(string.Join(',', Words(text)), Words(text));
    }

    private static IReadOnlyList<BudgetCandidate> ReadFile(string path, ICollection<string> faults)
    {
        try
        {
            if (JsonNode.Parse(File.ReadAllText(path)) is JsonObject named)
            {
                return [.. named.Select(item => new BudgetCandidate(item.Key, Words((string?)item.Value ?? "")))];
            }

            faults.Add($"{path}: expected a JSON object, {{\"name\": \"key=value key=value\"}}.");
        }
        catch (Exception error) when (
            error is IOException or UnauthorizedAccessException or JsonException or InvalidOperationException
                or ArgumentException)
        {
            faults.Add(
                $"{path}: cannot be read: {error.Message} Expected a JSON object, " +
                "{\"name\": \"key=value key=value\"}.");
        }

        return [];
    }

    private static string[] Words(string text) =>
        text.Split(' ', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);
}
