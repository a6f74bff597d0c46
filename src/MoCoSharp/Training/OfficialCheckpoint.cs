using MoCoSharp.Checkpoints;
using MoCoSharp.Methods;
using static TorchSharp.torch;

namespace MoCoSharp.Training;

/// <summary>A training as MoCo's official code saves it, so that its strict loading goes on from it.</summary>
public static class OfficialCheckpoint
{
    /// <summary>Writes epoch, arch, state_dict and optimizer, under the names that DistributedDataParallel gives.</summary>
    /// <param name="path">The target; its folder exists.</param>
    /// <param name="epochs">Epochs done.</param>
    /// <param name="method">Both encoders and the queue.</param>
    /// <param name="optimizer">Its velocities.</param>
    /// <param name="config">Encoder and optimizer options of the run.</param>
    /// <param name="learningRate">Of the last step.</param>
    /// <param name="format">Zip, or Legacy as the released files are.</param>
    public static void Write(string path, int epochs, MoCo method, Sgd optimizer, RunConfig config, double learningRate, TorchFormat format = TorchFormat.Zip)
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
            ["optimizer"] = Optimizer(method, optimizer, config.Optimizer, learningRate),
        }, format);
    }

    /// <summary>module.queue [C, K], module.queue_ptr, module.encoder_q.* and module.encoder_k.*; tensors of the current dispose scope.</summary>
    public static PickleDictionary State(MoCo method)
    {
        ArgumentNullException.ThrowIfNull(method);
        var state = new PickleDictionary(isOrderedDict: true)
        {
            [OfficialNames.Prefix + OfficialNames.Queue] = method.Queue.Keys.t(),
            [OfficialNames.Prefix + OfficialNames.QueuePosition] = tensor([method.Queue.Position], dtype: int64),
        };
        foreach (var (prefix, encoder) in new[] { (OfficialNames.Query, method.Encoder), (OfficialNames.Key, method.KeyEncoder) })
        {
            foreach (var (name, value) in encoder.state_dict())
            {
                state[OfficialNames.Prefix + prefix + name] = value;
            }
        }

        return state;
    }

    // PyTorch numbers encoder_q's parameters first, then encoder_k's, which have no velocity: they never had a gradient.
    private static PickleDictionary Optimizer(MoCo method, Sgd optimizer, OptimizerOptions options, double learningRate)
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
