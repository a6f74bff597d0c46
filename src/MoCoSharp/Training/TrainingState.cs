using MoCoSharp.Checkpoints;
using MoCoSharp.Distributed;
using MoCoSharp.Methods;
using TorchSharp;
using static MoCoSharp.Tensors.Scalars;
using static TorchSharp.torch;

namespace MoCoSharp.Training;

/// <summary>Everything that a resume needs, in one file: the method's tensors, the velocities, the counters.</summary>
/// <remarks>Views, order and shuffles are pure functions of seed, epoch and step, and so are in no file.</remarks>
public static class TrainingState
{
    private const string VelocityPrefix = "optimizer.velocity.";
    private const string Format = "mocosharp.pretraining.1";

    /// <summary>Saves, in one stroke.</summary>
    /// <param name="path">The checkpoint.</param>
    /// <param name="step">Steps done.</param>
    /// <param name="method">What learns.</param>
    /// <param name="optimizer">Its optimizer.</param>
    /// <param name="config">The run's configuration, kept inside for those who get the file alone.</param>
    public static void Save(string path, long step, PretrainMethod method, Sgd optimizer, RunConfig config)
    {
        ArgumentNullException.ThrowIfNull(method);
        var metadata = new Dictionary<string, string>(StringComparer.Ordinal)
        {
            ["format"] = Format,
            ["step"] = $"{step}",
            ["config"] = RunConfigFile.Write(config with { Loader = new() }), // how views are loaded changes no bit
        };
        foreach (var (name, value) in method.HostState)
        {
            metadata["host." + name] = $"{value}";
        }

        using var scope = NewDisposeScope();
        AtomicFile.Write(path, stream => SafeTensors.Write(stream, [.. Tensors(method, optimizer)], metadata));
    }

    /// <summary>Loads what <see cref="Save"/> saved.</summary>
    /// <returns>Steps done.</returns>
    /// <exception cref="InvalidDataException">The file is broken, or of another architecture.</exception>
    public static long Load(string path, PretrainMethod method, Sgd optimizer)
    {
        ArgumentNullException.ThrowIfNull(method);
        using var file = SafeTensors.Read(path);
        using var scope = NewDisposeScope();
        if (file.Metadata.GetValueOrDefault("format") != Format || !long.TryParse(file.Metadata.GetValueOrDefault("step"), out var step) || step < 0)
        {
            throw new InvalidDataException($"{path}: is not a checkpoint of a pre-training: its format is " +
                $"\"{file.Metadata.GetValueOrDefault("format")}\", expected \"{Format}\" with a step.");
        }

        var host = new Dictionary<string, long>(StringComparer.Ordinal);
        foreach (var name in method.HostState.Keys)
        {
            host[name] = long.TryParse(file.Metadata.GetValueOrDefault("host." + name), out var value)
                ? value
                : throw new InvalidDataException($"{path}: has no {name}. Was it made by another method?");
        }

        StateDictionary.Load(path, Tensors(method, optimizer), file.Tensors);
        method.RestoreHostState(host);
        return step;
    }

    /// <summary>One encoder of a checkpoint; what else is there is left alone.</summary>
    internal static TrainedEncoder LoadEncoder(string path, SafeTensorsFile file, EncoderRole role, string name)
    {
        if (file.Metadata.GetValueOrDefault("format") != Format || !file.Metadata.TryGetValue("config", out var text) ||
            !long.TryParse(file.Metadata.GetValueOrDefault("step"), out var step))
        {
            throw new InvalidDataException($"{path}: holds no encoder that is known here: its format is \"{file.Metadata.GetValueOrDefault("format")}\", " +
                $"expected \"{Format}\", or an encoder that `moco export` wrote.");
        }

        var config = RunConfigFile.Parse(text, path, []);
        var encoder = EncoderFile.Build(path, config.Encoder, config.MoCo.Dimension, file.Tensors, role == EncoderRole.Query ? "encoder_q." : "encoder_k.");
        return new TrainedEncoder(encoder, config, step, role, name);
    }

    /// <summary>Makes the running statistics of every rank their mean, so that what is saved and evaluated is the whole batch's.</summary>
    public static void AverageRunningStatistics(PretrainMethod method, IProcessGroup group)
    {
        ArgumentNullException.ThrowIfNull(method);
        ArgumentNullException.ThrowIfNull(group);
        if (group.Size == 1)
        {
            return;
        }

        using var noGrad = no_grad();
        foreach (var (name, buffer) in method.named_buffers())
        {
            if (name.EndsWith("running_mean", StringComparison.Ordinal) || name.EndsWith("running_var", StringComparison.Ordinal))
            {
                group.AllReduceSum(buffer);
                buffer.div_(Held(group.Size));
            }
        }
    }

    private static IEnumerable<(string Name, Tensor Tensor)> Tensors(PretrainMethod method, Sgd optimizer) =>
        method.state_dict().Select(item => (item.Key, item.Value))
            .Concat(optimizer.Velocities.Select(item => (VelocityPrefix + item.Name, item.Velocity)));
}
