using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using MoCoSharp.Data;
using MoCoSharp.Methods;

namespace MoCoSharp.Runs;

/// <summary>The state of pre-training besides tensors: counters, losses, configuration, images.</summary>
internal static class TrainingMetadata
{
    private const string HostPrefix = "host.";

    /// <summary>The metadata of a state's file.</summary>
    public static Dictionary<string, string> Write(
        TrainingProgress progress, PretrainMethod method, RunConfig config, DataIdentity? data)
    {
        ArgumentNullException.ThrowIfNull(progress);
        ArgumentNullException.ThrowIfNull(method);
        ArgumentNullException.ThrowIfNull(config);
        var configuration = RunConfigFile.Write(config with { Loader = new() }); // Loader changes no result
        var metadata = new Dictionary<string, string>(StringComparer.Ordinal)
        {
            ["format"] = TrainingState.Format,
            ["config"] = configuration,
            ["config.sha256"] = Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(configuration))),
        };
        Add(metadata, progress);
        if (progress.BatchesPerEpoch > 0)
        {
            // The rate of the next step.
            metadata["learningRate"] = Text(config.LearningRateAt(progress.ScheduleStep, progress.BatchesPerEpoch));
        }

        if (data is not null)
        {
            metadata["data.source"] = data.Source;
            metadata["data.images"] = $"{data.Images}";
            metadata["data.fingerprint"] = data.Fingerprint;
        }

        foreach (var (name, value) in method.HostState)
        {
            metadata[HostPrefix + name] = $"{value}";
        }

        return metadata;
    }

    /// <summary>Reads the progress of the run.</summary>
    /// <exception cref="InvalidDataException">A counter is missing, or is not a number.</exception>
    public static TrainingProgress ReadProgress(StateMetadata metadata) => new()
    {
        Step = metadata.GetNumber("step"),
        Epoch = (int)metadata.GetNumber("epoch"),
        Batch = (int)metadata.GetNumber("batch"),
        BatchesPerEpoch = (int)metadata.GetNumber("batchesPerEpoch"),
        Losses = ReadLosses(metadata),
        LeftOut = [.. LostTurn.Parse(metadata.Find("leftOut") ?? "")],
        Processes = (int)metadata.GetNumber("processes", ifMissing: 1),
        BestKnn = metadata.Find("bestKnn") is { } best ? double.Parse(best, CultureInfo.InvariantCulture) : null,
        BestKnnStep = metadata.GetNumber("bestKnn.step", ifMissing: 0),
    };

    /// <summary>The identity of the run's images; null if unknown.</summary>
    public static DataIdentity? ReadData(StateMetadata metadata) =>
        metadata.Find("data.fingerprint") is { } fingerprint
            ? new(metadata["data.source"], (int)metadata.GetNumber("data.images"), fingerprint)
            : null;

    /// <summary>The method's counters, such as the position in the queue.</summary>
    public static Dictionary<string, long> ReadHostState(StateMetadata metadata, PretrainMethod method) =>
        method.HostState.Keys.ToDictionary(
            name => name, name => metadata.GetNumber(HostPrefix + name), StringComparer.Ordinal);

    /// <summary>The method's counters that are missing, each in a sentence.</summary>
    public static IEnumerable<string> FindMissing(StateMetadata metadata, PretrainMethod method) =>
        method.HostState.Keys
            .Where(name => metadata.Find(HostPrefix + name) is null)
            .Select(name => $"{name} is missing: was it made by another method?");

    private static void Add(Dictionary<string, string> metadata, TrainingProgress progress)
    {
        metadata["step"] = $"{progress.Step}";
        metadata["epoch"] = $"{progress.Epoch}";
        metadata["batch"] = $"{progress.Batch}";
        metadata["batchesPerEpoch"] = $"{progress.BatchesPerEpoch}";
        metadata["losses"] = new JsonArray([.. progress.Losses.Select(loss => (JsonNode)loss)]).ToJsonString();
        if (progress.Processes != 1)
        {
            metadata["processes"] = $"{progress.Processes}";
        }

        if (progress.LeftOut.Count > 0)
        {
            metadata["leftOut"] = string.Join(' ', progress.LeftOut);
        }

        if (progress.BestKnn is { } best)
        {
            metadata["bestKnn"] = Text(best);
            metadata["bestKnn.step"] = $"{progress.BestKnnStep}";
        }
    }

    private static string Text(double value) => value.ToString("R", CultureInfo.InvariantCulture);

    private static double[] ReadLosses(StateMetadata metadata)
    {
        try
        {
            return [.. JsonNode.Parse(metadata["losses"]).Required().AsArray().Select(item => (double)item.Required())];
        }
        catch (Exception error) when (error is JsonException or InvalidOperationException or FormatException)
        {
            throw metadata.Fault("losses", "is no list of numbers");
        }
    }
}
