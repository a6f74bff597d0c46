using System.Text.Json;
using System.Text.Json.Nodes;
using MoCoSharp.Data;
using MoCoSharp.Features;

namespace MoCoSharp.Runs;

/// <summary>
/// baselines.json: which queries kNN labels correctly, by the encoder before and after training, and by what needs no
/// learning.
/// </summary>
/// <param name="Protocol">The kNN protocol. Scores of another protocol are not compared.</param>
/// <param name="Encoder">The latest score of the encoder; null before training.</param>
/// <param name="Step">Steps done at that score.</param>
/// <param name="Baselines">The other scores, by name.</param>
internal sealed record BaselinesFile(
    string Protocol, KnnScore? Encoder, long Step, IReadOnlyList<KnnScore> Baselines)
{
    /// <summary>The name of the encoder before its first step.</summary>
    public const string Untrained = "untrained encoder";

    /// <summary>The name of given weights before the first step.</summary>
    public const string Given = "given weights";

    /// <summary>Reads the file; null if there is none, or if it cannot be understood.</summary>
    public static BaselinesFile? Read(string path)
    {
        try
        {
            return File.Exists(path) && JsonNode.Parse(File.ReadAllText(path)) is JsonObject json
                ? new BaselinesFile(
                    (string)json.Required("protocol")!, json["encoder"] is JsonObject encoder ? Score(encoder) : null,
                    (long)json.Required("step"),
                    [.. json.Required("baselines").AsArray().Select(item => Score(item.Required().AsObject()))])
                : null;
        }
        catch (Exception error) when (
            error is JsonException or InvalidOperationException or FormatException or ArgumentException)
        {
            return null; // it is measured and written again
        }
    }

    /// <summary>Writes the file atomically.</summary>
    public void Write(string path) => RunFolder.WriteJson(path, new JsonObject
    {
        ["protocol"] = Protocol,
        ["step"] = Step,
        ["encoder"] = Encoder is null ? null : Json(Encoder),
        ["baselines"] = new JsonArray([.. Baselines.Select(score => (JsonNode)Json(score))]),
    });

    /// <summary>A copy with a score added, or replaced if it has the same name.</summary>
    public BaselinesFile With(KnnScore baseline) => this with
    {
        Baselines = [.. Baselines.Where(score => score.Name != baseline.Name), baseline],
    };

    private static JsonObject Json(KnnScore score)
    {
        var places = score.Queries.Length == 0 ? 0 : score.Queries[^1] + 1;
        var (low, high) = score.Interval;
        return new JsonObject
        {
            ["name"] = score.Name,
            ["accuracy"] = score.Accuracy,
            ["interval95"] = new JsonArray(low, high),
            ["right"] = Convert.ToBase64String(Bits(score.Right)),
            ["queries"] = score.Queries.Length,
            ["leftOut"] = new JsonArray([
                .. Enumerable.Range(0, places).Except(score.Queries).Select(index => (JsonNode)index),
            ]),
        };
    }

    private static KnnScore Score(JsonObject json)
    {
        var count = (int)json.Required("queries");
        var leftOut = json.Required("leftOut").AsArray().Select(index => (int)index.Required()).ToHashSet();
        var bits = Convert.FromBase64String((string)json.Required("right")!);
        if (bits.Length != (count + 7) / 8)
        {
            throw new FormatException();
        }

        return new KnnScore(
            (string)json.Required("name")!,
            [.. Enumerable.Range(0, count + leftOut.Count).Where(index => !leftOut.Contains(index))],
            [.. Enumerable.Range(0, count).Select(i => (bits[i / 8] >> (i % 8) & 1) == 1)]);
    }

    // Query i is bit i mod 8 of byte i / 8.
    private static byte[] Bits(bool[] values)
    {
        var bits = new byte[(values.Length + 7) / 8];
        for (var i = 0; i < values.Length; i++)
        {
            bits[i / 8] |= (byte)(values[i] ? 1 << (i % 8) : 0);
        }

        return bits;
    }
}
