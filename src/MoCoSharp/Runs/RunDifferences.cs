using System.Text.Json.Nodes;
using MoCoSharp.Data.Datasets;

namespace MoCoSharp.Runs;

/// <summary>Identifies the images that a run trains on.</summary>
/// <param name="Source">The source as the user named it.</param>
/// <param name="Images">Number of images.</param>
/// <param name="Fingerprint">See <see cref="DataFingerprint"/>.</param>
internal sealed record DataIdentity(string Source, int Images, string Fingerprint)
{
    /// <summary>The identity of a data set.</summary>
    public static DataIdentity From(IImageDataset data)
    {
        ArgumentNullException.ThrowIfNull(data);
        return new(data.Description, data.Count, DataFingerprint.Of(data));
    }
}

/// <summary>
/// A checkpoint belongs to a different run than the one that resumes; the message lists all differences.
/// </summary>
public sealed class OtherRunException(string message) : Exception(message);

/// <summary>Finds the differences between a checkpoint and the run that resumes from it.</summary>
internal static class RunDifferences
{
    // These settings do not change the learned weights. Data are compared by their fingerprint.
    private static readonly string[] Free =
    [
        "description", "data", "validation", "loader", "checkpoints", "knn", "health", "logEvery",
    ];

    /// <summary>All settings that differ, with both values.</summary>
    /// <param name="saved">The configuration in the checkpoint, as JSON. Missing keys have their defaults.</param>
    /// <param name="now">The configuration of the run.</param>
    public static IReadOnlyList<string> Between(string saved, RunConfig now)
    {
        var first = RunConfigFile.WithDefaults(JsonNode.Parse(saved)!.AsObject());
        var differences = new List<string>();
        Compare(first, JsonNode.Parse(RunConfigFile.Write(now))!.AsObject(), "", differences);
        return differences;
    }

    /// <summary>
    /// Differences of the images; empty if they are the same, or if the checkpoint does not identify them.
    /// </summary>
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
