using MoCoSharp.Data.Views;
using MoCoSharp.Detection.Datasets;
using MoCoSharp.Detection.Model;
using MoCoSharp.Kernels;
using MoCoSharp.Models;
using MoCoSharp.Optimization;
using MoCoSharp.Runs;
using TorchSharp;
using static MoCoSharp.Kernels.Scalars;
using static TorchSharp.torch;
using Encoder = MoCoSharp.Models.Encoder;

namespace MoCoSharp.Detection.Transfer;

/// <summary>A detector and its optimizers: takes the steps of a training.</summary>
internal sealed class DetectorTrainer : IDisposable
{
    private readonly DetectionConfig _config;
    private readonly Sgd _weights;
    private readonly Sgd _norms; // without weight decay

    /// <summary>A detector before its first step.</summary>
    /// <param name="config">Without faults.</param>
    /// <param name="classes">Classes of objects, above 0.</param>
    /// <param name="encoder">Its weights are copied; null is random weights.</param>
    public DetectorTrainer(DetectionConfig config, int classes, Encoder? encoder)
    {
        _config = config;
        Device = TorchRuntime.OpenDevice(config.Device);
        using var random = new Generator(RandomStreams.DetectorWeights(config.Seed));
        Model = new FasterRcnn(config.Encoder, config.Detector, classes, random)
        {
            Precision = config.Precision.Resolve(Device),
        };
        if (encoder is not null)
        {
            Model.Begin(encoder);
        }

        Model.to(Device);
        var parameters = Model.named_parameters().ToLookup(item => IsNorm(item.name));
        _weights = new Sgd([.. parameters[false]], config.Optimizer.Momentum, config.Optimizer.WeightDecay);
        _norms = new Sgd([.. parameters[true]], config.Optimizer.Momentum, weightDecay: 0);
    }

    /// <summary>The detector.</summary>
    public FasterRcnn Model { get; }

    /// <summary>Where it is trained.</summary>
    public Device Device { get; }

    /// <summary>Steps done since the beginning of the run.</summary>
    public long StepsDone { get; set; }

    /// <summary>Takes a step.</summary>
    /// <returns>The losses: objectness, proposal, classification, location.</returns>
    /// <exception cref="DivergedException">A loss is NaN or infinite.</exception>
    public double[] Step(DetectionBatch batch)
    {
        var rate = _config.Optimizer.LearningRateAt(StepsDone, _config.Steps);
        var sums = new double[4];
        foreach (var group in BatchGroups.Split(batch, _config.ImagesAtOnce))
        {
            using var scope = NewDisposeScope();
            var losses = Model.Losses(group, _config.Seed, Device);
            var share = group.Views.Count / (double)batch.Views.Count;
            var values = HostMemory.Floats(
                stack([losses.Objectness, losses.Proposal, losses.Classification, losses.Location]));
            Check(values, rate);
            BackwardPass.Run(losses.Total().mul(Held(share)));
            for (var i = 0; i < sums.Length; i++)
            {
                sums[i] += share * values[i];
            }
        }

        _weights.Step(rate);
        _norms.Step(rate);
        _weights.ClearGradients();
        _norms.ClearGradients();
        StepsDone++;
        return sums;
    }

    /// <summary>The tensors of the detector.</summary>
    public IReadOnlyList<(string Name, Tensor Tensor)> GetWeights() =>
        [.. Model.state_dict().Select(item => (item.Key, item.Value))];

    /// <summary>The tensors of the detector and of its optimizers, in the order of a checkpoint.</summary>
    public IReadOnlyList<(string Name, Tensor Tensor)> GetTensors() =>
    [
        .. GetWeights(),
        .. _weights.Velocities.Concat(_norms.Velocities)
            .Select(item => (TrainingState.VelocityPrefix + item.Name, item.Velocity)),
    ];

    /// <inheritdoc/>
    public void Dispose()
    {
        _weights.Dispose();
        _norms.Dispose();
        Model.Dispose();
    }

    private void Check(float[] losses, double rate)
    {
        if (!losses.All(float.IsFinite))
        {
            throw new DivergedException(FormattableString.Invariant(
                $"The losses are {string.Join(", ", losses)} at step {StepsDone + 1}; learning rate {rate}. ") +
                "Lower optimizer.learningRate (0.02 is for 16 images a step) or raise optimizer.warmupSteps. " +
                "The newest checkpoint stays.");
        }
    }

    // BatchNorm, by the names of torchvision's ResNet: bn1, norm, downsample.1.
    private static bool IsNorm(string name) => name.Split('.') switch
    {
        [.., var module, _] when module == "norm" || module.StartsWith("bn", StringComparison.Ordinal) => true,
        [.., "downsample", "1", _] => true,
        _ => false,
    };
}
