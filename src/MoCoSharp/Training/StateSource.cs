using MoCoSharp.Diagnostics;
using MoCoSharp.Methods;
using MoCoSharp.Optimization;
using MoCoSharp.Runs;
using static TorchSharp.torch;

namespace MoCoSharp.Training;

/// <summary>The state of a pre-training, for its checkpoints.</summary>
/// <param name="Method">Both encoders, their buffers, the queue.</param>
/// <param name="Optimizer">The velocities.</param>
/// <param name="Config">The configuration.</param>
/// <param name="Data">The images.</param>
/// <param name="Meter">The losses since the last report.</param>
internal sealed record StateSource(
    PretrainMethod Method, MomentumOptimizer Optimizer, RunConfig Config, DataIdentity Data, ProgressMeter Meter
) : IRunState
{
    /// <summary>The progress of the run.</summary>
    public TrainingProgress Progress { get; private init; } = new();

    /// <inheritdoc/>
    public long Step => Progress.Step;

    /// <inheritdoc/>
    public double? BestScore => Progress.BestKnn;

    /// <inheritdoc/>
    public IReadOnlyList<(string Name, Tensor Tensor)> GetTensors() => TrainingState.GetTensors(Method, Optimizer);

    /// <inheritdoc/>
    public IReadOnlyDictionary<string, string> GetMetadata() => TrainingMetadata.Write(Progress, Method, Config, Data);

    /// <summary>The state now.</summary>
    /// <exception cref="LossException">A loss since the last report is NaN or infinite.</exception>
    public StateSource With(TrainingProgress progress)
    {
        var losses = Meter.Losses;
        return losses.All(double.IsFinite)
            ? this with { Progress = progress with { Losses = losses } }
            : throw LossException.Among(losses, progress.Step, progress.Epoch + 1);
    }
}
