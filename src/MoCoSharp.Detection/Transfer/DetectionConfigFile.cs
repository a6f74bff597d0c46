using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.Json.Serialization;
using MoCoSharp.Detection.Metrics;
using MoCoSharp.Runs;

namespace MoCoSharp.Detection.Transfer;

/// <summary>Reads and writes <see cref="DetectionConfig"/> as JSON, and says where it departs from the protocol.</summary>
public static class DetectionConfigFile
{
    // They say where, how fast and how talkatively things are done, and with what one began.
    private static readonly string[] Free = ["from", "initialWeights", "initialEncoder", "initialPrefix", "data", "validation", "seed", "device", "threads", "workers", "logEvery", "checkpoints", "mean", "std"];

    /// <summary>The configuration as indented JSON, every default spelled out.</summary>
    public static string Write(DetectionConfig config) => JsonSerializer.Serialize(config, DetectionConfigJson.Default.DetectionConfig) + "\n";

    /// <summary>Reads a run's configuration.</summary>
    /// <param name="path">config.json.</param>
    /// <exception cref="ConfigurationException">It is none of a detection, or has faults; all are listed.</exception>
    public static DetectionConfig Load(string path)
    {
        try
        {
            return Parse(File.ReadAllText(path), path, []);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new ConfigurationException([$"{path}: cannot be read: {error.Message}"]);
        }
    }

    /// <summary>Whether a config.json is that of a detection.</summary>
    public static bool IsOne(string path)
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

    /// <summary>Reads JSON, and puts single settings over it.</summary>
    /// <param name="json">What departs from the defaults.</param>
    /// <param name="source">What begins each fault.</param>
    /// <param name="settings">"views.testShortSide=256" and the like, the later the stronger.</param>
    /// <exception cref="ConfigurationException">All faults are listed.</exception>
    public static DetectionConfig Parse(string json, string source, IEnumerable<string> settings) =>
        RunConfigFile.Parse(json, source, settings, new DetectionConfig(), WithDefaults, DetectionConfigJson.Default.DetectionConfig, config => config.Faults());

    /// <summary>Every setting that is not the protocol's, with both values: what a number must be read with.</summary>
    public static IReadOnlyList<string> Deviations(DetectionConfig config)
    {
        ArgumentNullException.ThrowIfNull(config);
        var found = new List<string>();
        if (config.ImagesAtOnce != 16)
        {
            found.Add($"BatchNorm sees {config.ImagesAtOnce} images at a time (protocol: 16, synchronised)");
        }

        // Two precisions or metrics have two names.
        var settled = config with { GroupSize = 0, Metric = config.Metric == DetectionMetric.Auto ? DetectionMetric.Voc07 : config.Metric };
        Compare(Node(new DetectionConfig { Metric = DetectionMetric.Voc07 }), Node(settled), "", found);
        return found;
    }

    private static JsonObject WithDefaults(JsonObject given)
    {
        var all = Node(new DetectionConfig());
        RunConfigFile.Merge(given, all);
        return all;
    }

    private static JsonObject Node(DetectionConfig config) => JsonSerializer.SerializeToNode(config, DetectionConfigJson.Default.DetectionConfig)!.AsObject();

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

    private static string Show(JsonNode? node) => node is JsonArray { Count: > 5 } list ? $"{list[0]}..{list[^1]}" : node?.ToJsonString() ?? "none";
}

[JsonSourceGenerationOptions(
    WriteIndented = true,
    PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase,
    UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow,
    NumberHandling = JsonNumberHandling.Strict)]
[JsonSerializable(typeof(DetectionConfig))]
internal sealed partial class DetectionConfigJson : JsonSerializerContext;
