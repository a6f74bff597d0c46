using System.Text.Json.Nodes;
using MoCoSharp.Distributed;
using MoCoSharp.Methods;
using MoCoSharp.Models;
using MoCoSharp.Optimization;
using MoCoSharp.PyTorch;
using static TorchSharp.torch;

namespace MoCoSharp.Runs;

/// <summary>The whole state of a pre-training in one file: tensors, velocities, counters, configuration.</summary>
/// <remarks>
/// Views, order and shuffles are functions of seed, epoch and step, so the counters are the state of all random
/// streams. The file has no clock, throughput or host name: equal runs have equal files.
/// </remarks>
internal static class TrainingState
{
    internal const string VelocityPrefix = "optimizer.velocity.";
    internal const string Format = "mocosharp.pretraining.2";

    /// <summary>Saves a state atomically.</summary>
    /// <param name="path">The checkpoint.</param>
    /// <param name="progress">The progress of the run.</param>
    /// <param name="method">The method in training.</param>
    /// <param name="optimizer">Its optimizer.</param>
    /// <param name="config">The run's configuration. The file holds a copy for readers without the run folder.</param>
    /// <param name="data">The run's images; null if unknown.</param>
    public static void Save(
        string path, TrainingProgress progress, PretrainMethod method, MomentumOptimizer optimizer, RunConfig config,
        DataIdentity? data = null)
    {
        using var scope = NewDisposeScope();
        var metadata = TrainingMetadata.Write(progress, method, config, data);
        AtomicFile.Write(path, stream => SafeTensors.Write(stream, GetTensors(method, optimizer), metadata));
    }

    /// <summary>Loads what <see cref="Save"/> saved.</summary>
    /// <param name="path">The checkpoint.</param>
    /// <param name="method">Overwritten after all checks.</param>
    /// <param name="optimizer">Overwritten after all checks.</param>
    /// <param name="compare">
    /// Returns all differences that forbid resuming, given the file's configuration and images. Null compares only
    /// tensors.
    /// </param>
    /// <returns>The progress of the run.</returns>
    /// <exception cref="OtherRunException">Architecture, recipe or data differ; all differences are listed.</exception>
    /// <exception cref="InvalidDataException">The file is broken.</exception>
    public static TrainingProgress Load(
        string path, PretrainMethod method, MomentumOptimizer optimizer,
        Func<string, DataIdentity?, IReadOnlyList<string>>? compare = null)
    {
        ArgumentNullException.ThrowIfNull(method);
        using var file = SafeTensors.Read(path);
        using var scope = NewDisposeScope();
        var metadata = new StateMetadata(path, file.Metadata);
        metadata.Require("format", Format, "is not a checkpoint of a pre-training");
        metadata.RequireChecksum();
        var tensors = GetTensors(method, optimizer);
        IReadOnlyList<string> differences =
        [
            .. compare?.Invoke(metadata["config"], TrainingMetadata.ReadData(metadata)) ?? [],
            .. StateDictionary.Faults(tensors, file.Tensors),
            .. TrainingMetadata.FindMissing(metadata, method),
        ];
        if (differences.Count > 0)
        {
            var lines = string.Concat(differences.Select(difference => $"{Environment.NewLine}  {difference}"));
            throw new OtherRunException($"{path}: is of another run:{lines}");
        }

        FiniteValues.Check(path, tensors.Select(item => (item.Name, file.Tensors[item.Name])));
        var progress = TrainingMetadata.ReadProgress(metadata);
        var host = TrainingMetadata.ReadHostState(metadata, method);
        StateDictionary.Load(path, tensors, file.Tensors);
        method.RestoreHostState(host);
        return progress;
    }

    /// <summary>Whether a file holds the state of a pre-training.</summary>
    internal static bool IsTrainingState(SafeTensors file) =>
        file.Metadata.GetValueOrDefault("format") == Format && file.Metadata.ContainsKey("config");

    /// <summary>Copies the state of rank 0 to every rank. Only rank 0 reads checkpoints and weights.</summary>
    /// <returns>The progress of rank 0.</returns>
    internal static TrainingProgress Broadcast(
        TrainingProgress progress, PretrainMethod method, MomentumOptimizer optimizer, RunConfig config,
        IProcessGroup group)
    {
        using var scope = NewDisposeScope();
        var mine = new JsonObject([.. TrainingMetadata.Write(progress, method, config, null)
            .Select(item => KeyValuePair.Create(item.Key, (JsonNode?)item.Value))]);
        var shared = JsonNode.Parse(GroupText.Broadcast(group, mine.ToJsonString()))!.AsObject();
        var metadata = new StateMetadata(
            "rank 0", shared.ToDictionary(item => item.Key, item => (string)item.Value!, StringComparer.Ordinal));
        foreach (var (_, values) in GetTensors(method, optimizer))
        {
            group.Broadcast(values, root: 0);
        }

        method.RestoreHostState(TrainingMetadata.ReadHostState(metadata, method));
        return TrainingMetadata.ReadProgress(metadata);
    }

    /// <summary>The tensors of a state, in the order of the file.</summary>
    internal static IReadOnlyList<(string Name, Tensor Tensor)> GetTensors(
        PretrainMethod method, MomentumOptimizer optimizer) =>
    [
        .. method.state_dict().Select(item => (item.Key, item.Value)),
        .. optimizer.Velocities.Select(item => (VelocityPrefix + item.Name, item.Velocity)),
    ];
}
