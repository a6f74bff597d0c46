using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.Json.Serialization;
using MoCoSharp.Detection.Metrics;
using MoCoSharp.Runs;

namespace MoCoSharp.Detection.Transfer;

/// <summary>Reads and writes <see cref="DetectionConfig"/> as JSON. Lists deviations from the protocol.</summary>
internal static class DetectionConfigFile
{
    // No protocol has a value for these.
    private static readonly string[] Free =
    [
        "from", "initialWeights", "initialEncoder", "initialPrefix", "data", "validation", "seed", "device", "threads",
        "workers", "logEvery", "checkpoints", "mean", "std",
    ];

    /// <summary>The configuration as indented JSON, every default spelled out.</summary>
    public static string Write(DetectionConfig config) =>
        JsonSerializer.Serialize(config, DetectionConfigJson.Default.DetectionConfig) + "\n";

    /// <summary>Reads a run's configuration.</summary>
    /// <param name="path">config.json.</param>
    /// <exception cref="ConfigurationException">It is not a detection's, or has faults; all are listed.</exception>
    public static DetectionConfig Load(string path) => Parse(RunConfigFile.ReadText(path), path, []);

    /// <summary>Whether a config.json is a detection's. False if it cannot be read.</summary>
    public static bool IsDetection(string path)
    {
        try
        {
            return JsonNode.Parse(File.ReadAllText(path)) is JsonObject config && config.ContainsKey("detector");
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException or JsonException)
        {
            return false;
        }
    }

    /// <summary>Reads JSON, and applies single settings to it.</summary>
    /// <param name="json">The values that differ from the defaults.</param>
    /// <param name="source">The text that each fault begins with.</param>
    /// <param name="settings">Such as "views.testShortSide=256". A later setting wins.</param>
    /// <exception cref="ConfigurationException">There are faults; all are listed.</exception>
    public static DetectionConfig Parse(string json, string source, IEnumerable<string> settings) =>
        RunConfigFile.Parse(
            json, source, settings, new DetectionConfig(), DetectionConfigJson.Default.DetectionConfig,
            config => config.Validate());

    /// <summary>Every setting that differs from the protocol, with both values. Reports list them.</summary>
    public static IReadOnlyList<string> Deviations(DetectionConfig config)
    {
        ArgumentNullException.ThrowIfNull(config);
        var found = new List<string>();
        if (config.ImagesAtOnce != 16)
        {
            found.Add($"BatchNorm sees {config.ImagesAtOnce} images at a time (protocol: 16, synchronised)");
        }

        var metric = config.Metric == DetectionMetric.Auto ? DetectionMetric.Voc07 : config.Metric;
        var settled = config with { GroupSize = 0, Metric = metric };
        Compare(Node(new DetectionConfig { Metric = DetectionMetric.Voc07 }), Node(settled), "", found);
        return found;
    }

    private static JsonObject Node(DetectionConfig config) =>
        JsonSerializer.SerializeToNode(config, DetectionConfigJson.Default.DetectionConfig)!.AsObject();

    private static void Compare(JsonObject protocol, JsonObject config, string prefix, List<string> found)
    {
        foreach (var (key, value) in config)
        {
            if (prefix.Length == 0 && Free.Contains(key))
            {
                continue;
            }

            if (value is JsonObject inner && protocol[key] is JsonObject other)
            {
                Compare(other, inner, $"{prefix}{key}.", found);
            }
            else if (!JsonNode.DeepEquals(value, protocol[key]))
            {
                found.Add($"{prefix}{key} {Show(value)} (protocol: {Show(protocol[key])})");
            }
        }
    }

    private static string Show(JsonNode? node) => node is JsonArray { Count: > 5 } list
        ? $"{list[0]}..{list[^1]}"
        : node?.ToJsonString() ?? "none";
}

[JsonSourceGenerationOptions(
    WriteIndented = true,
    PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase,
    UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow,
    NumberHandling = JsonNumberHandling.Strict)]
[JsonSerializable(typeof(DetectionConfig))]
internal sealed partial class DetectionConfigJson : JsonSerializerContext;
