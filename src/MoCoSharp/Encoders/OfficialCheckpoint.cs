using MoCoSharp.Distributed;
using MoCoSharp.Methods;
using MoCoSharp.Models;
using MoCoSharp.Optimization;
using MoCoSharp.PyTorch;
using MoCoSharp.Runs;
using TorchSharp;
using static TorchSharp.torch;

namespace MoCoSharp.Encoders;

/// <summary>A checkpoint in the format of MoCo's official code, which can resume from it with strict loading.</summary>
internal static class OfficialCheckpoint
{
    /// <summary>Writes epoch, arch, state_dict and optimizer, under the names of DistributedDataParallel.</summary>
    /// <param name="path">The target; its folder exists.</param>
    /// <param name="epochs">Epochs done.</param>
    /// <param name="method">Both encoders and the queue.</param>
    /// <param name="optimizer">Its velocities.</param>
    /// <param name="config">Encoder and optimizer options of the run.</param>
    /// <param name="learningRate">The rate of the next step; the official code overrides it in each epoch.</param>
    /// <param name="format">Zip, or Legacy as in the released files.</param>
    public static void Write(
        string path, int epochs, MoCo method, MomentumOptimizer optimizer, RunConfig config, double learningRate,
        TorchFormat format = TorchFormat.Zip)
    {
        ArgumentNullException.ThrowIfNull(method);
        ArgumentNullException.ThrowIfNull(optimizer);
        ArgumentNullException.ThrowIfNull(config);
        using var noGrad = no_grad();
        using var scope = NewDisposeScope();
        TorchFile.Write(path, new PickleDictionary
        {
            ["epoch"] = epochs,
            ["arch"] = $"resnet{config.Encoder.Depth}",
            ["state_dict"] = State(method),
            ["optimizer"] = OptimizerState(method, optimizer, config.Optimizer, learningRate),
        }, format);
    }

    /// <summary>Finds a checkpoint with a complete training state: the newest of a run, or the given file.</summary>
    /// <param name="source">A run folder, or a file.</param>
    /// <returns>
    /// Null for an encoder file, for a run that was imported without the complete state, and for settings that the
    /// official code does not support: other methods, LARS.
    /// </returns>
    public static string? Find(string source)
    {
        ArgumentException.ThrowIfNullOrEmpty(source);
        if (Directory.Exists(source))
        {
            var run = RunFolder.Open(source);
            return
                IsOfficial(run.ReadConfig())
                && WeightsImport.Missing(run).Count == 0
                && run.Checkpoints() is [var newest, ..]
                ? newest
                : null;
        }

        if (!ForeignWeights.IsSafeTensors(source))
        {
            return null;
        }

        using var file = SafeTensors.Read(source);
        return
            TrainingState.IsTrainingState(file) && IsOfficial(RunConfigFile.Parse(file.Metadata["config"], source, []))
            ? source
            : null;
    }

    private static bool IsOfficial(RunConfig config) =>
        config.MoCo is not null && config.Optimizer.Kind == OptimizerKind.Sgd;

    /// <summary>
    /// Writes the training state of a checkpoint. An incomplete epoch counts as not done, because the official code
    /// counts only whole epochs.
    /// </summary>
    /// <param name="checkpoint">From <see cref="Find"/>.</param>
    /// <param name="path">The target; its folder exists.</param>
    /// <exception cref="InvalidDataException">The checkpoint is broken.</exception>
    public static void Convert(string checkpoint, string path)
    {
        RunConfig config;
        using (var file = SafeTensors.Read(checkpoint))
        {
            config = RunConfigFile.Parse(file.Metadata["config"], checkpoint, []);
        }

        using var method = MoCo.Create(
            config.Encoder,
            config.MoCo
                ?? throw new InvalidDataException(
                    $"{checkpoint}: was trained with {config.Method.Name}, but the official layout supports only " +
                    "MoCo."),
            config.BnGroups,
            config.Seed,
            SingleProcess.Instance);
        using var optimizer = MomentumOptimizer.Create(method.LearnedParameters, config.Optimizer);
        var progress = TrainingState.Load(checkpoint, method, optimizer);
        var rate = progress.BatchesPerEpoch == 0
            ? LearningRate.Peak(config.Optimizer, config.BatchSize)
            : config.LearningRateAt(progress.ScheduleStep, progress.BatchesPerEpoch);
        Write(path, progress.Epoch, method, optimizer, config, rate);
    }

    /// <summary>
    /// Whether a file has the same training state as a checkpoint, bit by bit: both encoders, the queue, the
    /// velocities.
    /// </summary>
    public static bool IsSame(ForeignWeights weights, string checkpoint)
    {
        ArgumentNullException.ThrowIfNull(weights);
        using var file = SafeTensors.Read(checkpoint);
        using var scope = NewDisposeScope();
        return weights is { Key: { } key, Queue: { } queue, Velocities: { } velocities }
            && Equal(queue, file.Tensors["queue.keys"])
            && file.Metadata.GetValueOrDefault("host.queue.position") == $"{weights.QueuePosition}"
            && weights.Query.All(item => Equal(item.Value, file.Tensors[OfficialNames.Query + item.Key]))
            && key.All(item => Equal(item.Value, file.Tensors[OfficialNames.Key + item.Key]))
            && velocities.All(item =>
                Equal(item.Value, file.Tensors[TrainingState.VelocityPrefix + OfficialNames.Query + item.Key]));

        static bool Equal(Tensor first, Tensor second) =>
            first.shape.SequenceEqual(second.shape) && first.eq(second.to(first.dtype)).all().item<bool>();
    }

    /// <summary>
    /// module.queue [C, K], module.queue_ptr, module.encoder_q.* and module.encoder_k.*. The tensors belong to the
    /// current dispose scope.
    /// </summary>
    public static PickleDictionary State(MoCo method)
    {
        ArgumentNullException.ThrowIfNull(method);
        var state = new PickleDictionary(isOrderedDict: true)
        {
            // The queue may be bf16 here, but not in official files.
            [OfficialNames.Prefix + OfficialNames.Queue] = method.Queue.Keys.to(float32).t(),
            [OfficialNames.Prefix + OfficialNames.QueuePosition] = tensor([method.Queue.Position], dtype: int64),
        };
        foreach (
            var (prefix, encoder) in new[]
            {
                (OfficialNames.Query, method.Encoder),
                (OfficialNames.Key, method.KeyEncoder),
            })
        {
            foreach (var (name, value) in encoder.state_dict())
            {
                state[OfficialNames.Prefix + prefix + name] = value;
            }
        }

        return state;
    }

    // PyTorch numbers encoder_q's parameters first, then encoder_k's. The latter have no velocity, because they never
    // had a gradient.
    private static PickleDictionary OptimizerState(
        MoCo method, MomentumOptimizer optimizer, OptimizerOptions options, double learningRate)
    {
        var state = new PickleDictionary();
        long count = 0;
        foreach (var (_, velocity) in optimizer.Velocities)
        {
            state[count++] = new PickleDictionary { ["momentum_buffer"] = velocity };
        }

        var numbers = new PickleList();
        for (long i = 0; i < count + method.KeyEncoder.parameters().LongCount(); i++)
        {
            numbers.Add(i);
        }

        return new PickleDictionary
        {
            ["state"] = state,
            ["param_groups"] = new PickleList
            {
                new PickleDictionary
                {
                    ["lr"] = learningRate,
                    ["momentum"] = options.Momentum,
                    ["dampening"] = 0,
                    ["weight_decay"] = options.WeightDecay,
                    ["nesterov"] = false,
                    ["maximize"] = false,
                    ["foreach"] = PickleValue.None,
                    ["differentiable"] = false,
                    ["params"] = numbers,
                },
            },
        };
    }
}
