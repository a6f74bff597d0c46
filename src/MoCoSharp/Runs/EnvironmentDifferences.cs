using System.Text.Json;
using System.Text.Json.Nodes;

namespace MoCoSharp.Runs;

/// <summary>
/// What rounds differently than where a run began: its results are no longer those of an uninterrupted run, to the bit.
/// </summary>
internal static class EnvironmentDifferences
{
    private const string Kernels = "kernels";

    private const int Longest = 200; // characters of a value in a message

    // Key in environment.json, and its name in a message.
    private static readonly (string Key, string Name)[] Compared =
    [
        ("mocoSharp", "MoCoSharp"), ("torchSharp", "TorchSharp"), ("libtorch", "libtorch"),
        ("jpegDecoder", "JPEG decoder"),
    ];

    /// <summary>One clause for each value of the first environment that the second one has otherwise.</summary>
    /// <param name="before">JSON. What it lacks is not compared.</param>
    /// <param name="now">JSON, complete.</param>
    /// <param name="usesGpu">Whether the GPUs count, and not the processor and its kernels.</param>
    public static IReadOnlyList<string> Between(string before, string now, bool usesGpu)
    {
        try
        {
            return JsonNode.Parse(before) is JsonObject first
                ? Between(first, JsonNode.Parse(now)!.AsObject(), usesGpu)
                : [];
        }
        // The last two: a key that occurs twice, and half of a surrogate pair.
        catch (Exception error) when (error is JsonException or ArgumentException or InvalidOperationException)
        {
            return [];
        }
    }

    private static List<string> Between(JsonObject before, JsonObject now, bool usesGpu)
    {
        (string Key, string Name) processor = usesGpu ? ("gpus", "GPUs") : ("processor", "processor");
        List<string> changes =
        [
            .. Compared
                .Append(processor)
                .Where(item => before.ContainsKey(item.Key))
                .Select(item => Change(item.Name, Text(item.Key, before), Text(item.Key, now)))
                .OfType<string>(),
        ];
        // Another processor may well have other kernels.
        if (
            !usesGpu && Text("processor", before) == Text("processor", now)
            && before[Kernels] is JsonObject first && now[Kernels] is JsonObject second)
        {
            changes.AddRange(second
                .Where(kernel => first.ContainsKey(kernel.Key))
                .Select(kernel => Change($"kernel {kernel.Key}", Text(kernel.Key, first), Text(kernel.Key, second)))
                .OfType<string>());
        }

        return changes;
    }

    private static string? Change(string name, string before, string now) =>
        before == now ? null : $"{name} {before}, now {now}";

    private static string Text(string key, JsonObject environment)
    {
        var text = (key, environment[key]) switch
        {
            (_, null) => "none",
            (_, JsonArray list) => string.Join(", ", list.Select(item => $"{item}").Distinct()), // equal GPUs once
            ("mocoSharp", { } version) => version.ToString().Split('+')[0], // without its commit
            ("libtorch", { } version) => version.ToString().Split(" from ")[0], // without its folder
            (_, { } value) => value.ToString(),
        };
        return new([.. text.Take(Longest).Select(letter => char.IsControl(letter) ? '?' : letter)]);
    }
}
