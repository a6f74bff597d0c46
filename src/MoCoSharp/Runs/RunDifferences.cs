using System.Text.Json.Nodes;
using MoCoSharp.Data.Datasets;

namespace MoCoSharp.Runs;

/// <summary>Which images a run learns from.</summary>
/// <param name="Source">As a person named it.</param>
/// <param name="Images">How many there are.</param>
/// <param name="Fingerprint">See <see cref="DataFingerprint"/>.</param>
public sealed record DataIdentity(string Source, int Images, string Fingerprint)
{
    /// <summary>Of a data set.</summary>
    public static DataIdentity From(IImageDataset data)
    {
        ArgumentNullException.ThrowIfNull(data);
        return new(data.Description, data.Count, DataFingerprint.Of(data));
    }
}

/// <summary>
/// A checkpoint is of another run than the one that would go on from it; the message tells all differences.
/// </summary>
public sealed class OtherRunException(string message) : Exception(message);

/// <summary>What sets a checkpoint apart from the run that would go on from it.</summary>
public static class RunDifferences
{
    // They change when and how things are done and told, and no bit of what is learned. The data are compared by their
    // fingerprint.
    private static readonly string[] Free =
    [
        "description", "data", "validation", "loader", "checkpoints", "knn", "health", "logEvery",
    ];

    /// <summary>Every setting that differs, with both values.</summary>
    /// <param name="saved">The configuration in the checkpoint, as JSON; what it lacks counts as default.</param>
    /// <param name="now">The run's.</param>
    public static IReadOnlyList<string> Between(string saved, RunConfig now)
    {
        var first = RunConfigFile.WithDefaults(JsonNode.Parse(saved)!.AsObject());
        var differences = new List<string>();
        Compare(first, JsonNode.Parse(RunConfigFile.Write(now))!.AsObject(), "", differences);
        return differences;
    }

    /// <summary>How the images differ; none where they are the same, or where the checkpoint does not say.</summary>
    public static IReadOnlyList<string> Between(DataIdentity? saved, DataIdentity now)
    {
        ArgumentNullException.ThrowIfNull(now);
        return saved is null || saved.Fingerprint == now.Fingerprint
            ? []
            :
            [
                $"data: checkpoint {saved.Images} images of {saved.Source} (fingerprint {saved.Fingerprint}), run " +
                $"{now.Images} of {now.Source} ({now.Fingerprint})",
            ];
    }

    private static void Compare(JsonObject saved, JsonObject now, string prefix, List<string> differences)
    {
        foreach (var key in saved.Select(item => item.Key).Union(now.Select(item => item.Key)))
        {
            if (prefix.Length == 0 && Free.Contains(key))
            {
                continue;
            }

            var (first, second) = (saved[key], now[key]);
            if (first is JsonObject a && second is JsonObject b)
            {
                Compare(a, b, $"{prefix}{key}.", differences);
            }
            else if (!JsonNode.DeepEquals(first, second))
            {
                differences.Add($"{prefix}{key}: checkpoint {Show(first)}, run {Show(second)}");
            }
        }
    }

    private static string Show(JsonNode? node) => node?.ToJsonString() ?? "nothing";
}
