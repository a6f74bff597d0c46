using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using MoCoSharp.Distributed;
using MoCoSharp.Methods;
using MoCoSharp.Models;
using MoCoSharp.Optimization;
using MoCoSharp.PyTorch;
using TorchSharp;
using static TorchSharp.torch;

namespace MoCoSharp.Runs;

/// <summary>Everything that a resume needs, in one file: the method's tensors, the velocities, the counters, the configuration.</summary>
/// <remarks>
/// Views, order and shuffles are pure functions of seed, epoch and step: these counters are the whole state of every random stream. No clock,
/// rate or host name is in the file, so that equal runs have equal files.
/// </remarks>
public static class TrainingState
{
    internal const string VelocityPrefix = "optimizer.velocity.";
    internal const string Format = "mocosharp.pretraining.2";

    /// <summary>Saves, in one stroke.</summary>
    /// <param name="path">The checkpoint.</param>
    /// <param name="progress">Where the run stands.</param>
    /// <param name="method">What learns.</param>
    /// <param name="optimizer">Its optimizer.</param>
    /// <param name="config">The run's configuration, kept inside for those who get the file alone.</param>
    /// <param name="data">The run's images; null where they are not known.</param>
    public static void Save(string path, TrainingProgress progress, PretrainMethod method, MomentumOptimizer optimizer, RunConfig config, DataIdentity? data = null)
    {
        using var scope = NewDisposeScope();
        var metadata = Metadata(progress, method, config, data);
        AtomicFile.Write(path, stream => SafeTensors.Write(stream, Tensors(method, optimizer), metadata));
    }

    /// <summary>Loads what <see cref="Save"/> saved.</summary>
    /// <param name="path">The checkpoint.</param>
    /// <param name="method">Overwritten, once nothing can go wrong any more.</param>
    /// <param name="optimizer">Overwritten too.</param>
    /// <param name="compare">Told the file's configuration and images: every difference that must be refused. Null compares tensors alone.</param>
    /// <returns>Where the run stood.</returns>
    /// <exception cref="OtherRunException">It is of another architecture, recipe or data set; all differences are told.</exception>
    /// <exception cref="InvalidDataException">The file is broken.</exception>
    public static TrainingProgress Load(
        string path, PretrainMethod method, MomentumOptimizer optimizer, Func<string, DataIdentity?, IReadOnlyList<string>>? compare = null)
    {
        ArgumentNullException.ThrowIfNull(method);
        using var file = SafeTensors.Read(path);
        using var scope = NewDisposeScope();
        var text = new Texts(path, file.Metadata);
        if (file.Metadata.GetValueOrDefault("format") != Format)
        {
            throw new InvalidDataException($"{path}: is not a checkpoint of a pre-training: its format is \"{file.Metadata.GetValueOrDefault("format")}\", expected \"{Format}\".");
        }

        if (!file.Metadata.ContainsKey(Checksum.Key))
        {
            throw new InvalidDataException($"{path}: has no checksum, which every checkpoint has: bytes have changed since it was written.");
        }

        var differences = compare?.Invoke(text["config"], text.Data()) ?? [];
        var tensors = Tensors(method, optimizer);
        var faults = StateDictionary.Faults(tensors, file.Tensors);
        var missing = method.HostState.Keys.Where(name => !file.Metadata.ContainsKey("host." + name)).Select(name => $"{name} is missing: was it made by another method?");
        differences = [.. differences, .. faults, .. missing];
        if (differences.Count > 0)
        {
            throw new OtherRunException($"{path}: is of another run:{string.Concat(differences.Select(difference => $"{Environment.NewLine}  {difference}"))}");
        }

        FiniteValues.Check(path, tensors.Select(item => (item.Name, file.Tensors[item.Name])));
        var progress = text.Progress();
        var host = method.HostState.Keys.ToDictionary(name => name, name => text.Number("host." + name), StringComparer.Ordinal);
        StateDictionary.Load(path, tensors, file.Tensors);
        method.RestoreHostState(host);
        return progress;
    }

    /// <summary>Whether a file is such a state.</summary>
    internal static bool IsOf(SafeTensorsFile file) => file.Metadata.GetValueOrDefault("format") == Format && file.Metadata.ContainsKey("config");

    /// <summary>Rank 0's state on every rank: it alone reads checkpoints and weights.</summary>
    /// <returns>Where rank 0 stands.</returns>
    internal static TrainingProgress Share(TrainingProgress progress, PretrainMethod method, MomentumOptimizer optimizer, RunConfig config, IProcessGroup group)
    {
        using var scope = NewDisposeScope();
        var mine = new JsonObject([.. Metadata(progress, method, config, null).Select(item => KeyValuePair.Create(item.Key, (JsonNode?)item.Value))]);
        var shared = JsonNode.Parse(GroupText.Broadcast(group, mine.ToJsonString()))!.AsObject();
        var text = new Texts("rank 0", shared.ToDictionary(item => item.Key, item => (string)item.Value!, StringComparer.Ordinal));
        foreach (var (_, values) in Tensors(method, optimizer))
        {
            group.Broadcast(values, root: 0);
        }

        method.RestoreHostState(method.HostState.Keys.ToDictionary(name => name, name => text.Number("host." + name), StringComparer.Ordinal));
        return text.Progress();
    }

    /// <summary>The tensors of a state, in the order of the file.</summary>
    internal static IReadOnlyList<(string Name, Tensor Tensor)> Tensors(PretrainMethod method, MomentumOptimizer optimizer) =>
    [
        .. method.state_dict().Select(item => (item.Key, item.Value)),
        .. optimizer.Velocities.Select(item => (VelocityPrefix + item.Name, item.Velocity)),
    ];

    /// <summary>What a state holds besides tensors.</summary>
    internal static Dictionary<string, string> Metadata(TrainingProgress progress, PretrainMethod method, RunConfig config, DataIdentity? data)
    {
        ArgumentNullException.ThrowIfNull(progress);
        ArgumentNullException.ThrowIfNull(method);
        ArgumentNullException.ThrowIfNull(config);
        var configuration = RunConfigFile.Write(config with { Loader = new() }); // how views are loaded changes no bit
        var metadata = new Dictionary<string, string>(StringComparer.Ordinal)
        {
            ["format"] = Format,
            ["step"] = $"{progress.Step}",
            ["epoch"] = $"{progress.Epoch}",
            ["batch"] = $"{progress.Batch}",
            ["batchesPerEpoch"] = $"{progress.BatchesPerEpoch}",
            ["losses"] = new JsonArray([.. progress.Losses.Select(loss => (JsonNode)loss)]).ToJsonString(),
            ["config"] = configuration,
            ["config.sha256"] = Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(configuration))),
        };
        if (progress.BatchesPerEpoch > 0)
        {
            metadata["learningRate"] = string.Create(CultureInfo.InvariantCulture,
                $"{config.LearningRateAt(progress.Scheduled, progress.BatchesPerEpoch):R}"); // of the next step
        }

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
            metadata["bestKnn"] = string.Create(CultureInfo.InvariantCulture, $"{best:R}");
            metadata["bestKnn.step"] = $"{progress.BestKnnStep}";
        }

        if (data is not null)
        {
            metadata["data.source"] = data.Source;
            metadata["data.images"] = $"{data.Images}";
            metadata["data.fingerprint"] = data.Fingerprint;
        }

        foreach (var (name, value) in method.HostState)
        {
            metadata["host." + name] = $"{value}";
        }

        return metadata;
    }

    // The metadata of a file, read with care: each fault names the file and the key.
    private sealed class Texts(string path, IReadOnlyDictionary<string, string> metadata)
    {
        public string this[string key] => metadata.TryGetValue(key, out var value) ? value : throw Fault(key, "is missing");

        public long Number(string key) => long.TryParse(this[key], NumberStyles.None, CultureInfo.InvariantCulture, out var value)
            ? value
            : throw Fault(key, $"is \"{this[key]}\", expected a number of 0 or more");

        public DataIdentity? Data() => metadata.ContainsKey("data.fingerprint")
            ? new(this["data.source"], (int)Number("data.images"), this["data.fingerprint"])
            : null;

        public TrainingProgress Progress() => new()
        {
            Step = Number("step"),
            Epoch = (int)Number("epoch"),
            Batch = (int)Number("batch"),
            BatchesPerEpoch = (int)Number("batchesPerEpoch"),
            Losses = Losses(),
            LeftOut = [.. LostTurn.Parse(metadata.GetValueOrDefault("leftOut", ""))],
            Processes = metadata.ContainsKey("processes") ? (int)Number("processes") : 1,
            BestKnn = metadata.TryGetValue("bestKnn", out var best) ? double.Parse(best, CultureInfo.InvariantCulture) : null,
            BestKnnStep = metadata.ContainsKey("bestKnn.step") ? Number("bestKnn.step") : 0,
        };

        private double[] Losses()
        {
            try
            {
                return [.. JsonNode.Parse(this["losses"])!.AsArray().Select(item => (double)item!)];
            }
            catch (Exception error) when (error is JsonException or InvalidOperationException or FormatException or NullReferenceException)
            {
                throw Fault("losses", "is no list of numbers");
            }
        }

        private InvalidDataException Fault(string key, string what) => new($"{path}: {key} {what}. Was it made by another program?");
    }
}
