using System.Text.Json;
using System.Text.Json.Nodes;
using MoCoSharp.Runs;

namespace MoCoSharp.Cli.Reports;

/// <summary>The command, versions and machine of a run, from environment.json.</summary>
internal static class RunFacts
{
    // Key in environment.json, and its name in the report.
    private static readonly (string Key, string Name)[] Known =
    [
        ("commandLine", "command"), ("started", "started"), ("mocoSharp", "MoCoSharp"), ("torchSharp", "TorchSharp"),
        ("libtorch", "libtorch"), ("dotnet", ".NET"), ("system", "system"), ("processor", "processor"),
        ("cores", "cores"), ("gpus", "GPUs"), ("jpegDecoder", "JPEG decoder"),
    ];

    /// <summary>Reads the facts; empty if the file is missing or cannot be understood.</summary>
    /// <param name="run">The run folder.</param>
    public static IReadOnlyList<(string Name, string Value)> Read(RunFolder run)
    {
        var path = run.EnvironmentPath;
        try
        {
            return File.Exists(path) && JsonNode.Parse(File.ReadAllText(path)) is JsonObject environment
                ? [
                    .. Known
                        .Where(item => environment[item.Key] is not null)
                        .Select(item => (item.Name, Text(item.Key, environment[item.Key]!))),
                ]
                : [];
        }
        catch (JsonException)
        {
            return [];
        }
    }

    private static string Text(string key, JsonNode value) =>
        key == "commandLine" ? $"moco {value}"
        : value is JsonArray list ? string.Join(", ", list)
        : value.ToString();
}
