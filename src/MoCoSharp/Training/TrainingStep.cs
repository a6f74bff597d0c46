using MoCoSharp.Distributed;
using MoCoSharp.Methods;
using MoCoSharp.Optimization;
using TorchSharp;
using static TorchSharp.torch;

namespace MoCoSharp.Training;

/// <summary>One step: momentum update, keys, queries, loss, backward, enqueue, optimizer.</summary>
/// <param name="method">The method to train.</param>
/// <param name="optimizer">Updates the method's learned parameters.</param>
/// <param name="group">The ranks that share a batch.</param>
internal sealed class TrainingStep(PretrainMethod method, MomentumOptimizer optimizer, IProcessGroup group)
{
    private readonly GradientBuckets? _buckets = group.Size > 1 ? new GradientBuckets(method, group) : null;

    /// <summary>Trains on one batch.</summary>
    /// <param name="step">Steps done before this one.</param>
    /// <param name="queryViews">This rank's share. Shape [N / ranks, 3, H, W].</param>
    /// <param name="keyViews">The same shape.</param>
    /// <param name="learningRate">Learning rate of this step.</param>
    /// <param name="inspect">
    /// Called with the output after the backward pass. Queue and parameters are not yet updated.
    /// </param>
    /// <param name="samples">The images of the batch; required by methods with a memory bank or labels.</param>
    /// <returns>
    /// The detached loss, and the contrast accuracy if the method measures it; both of the global batch.
    /// </returns>
    public (Tensor Loss, Tensor? ContrastAccuracy) Run(
        long step, Tensor queryViews, Tensor keyViews, double learningRate, Action<StepOutput>? inspect = null,
        StepSamples? samples = null)
    {
        using var scope = NewDisposeScope();
        if (samples is { } images)
        {
            method.Prepare(images);
        }

        _buckets?.Begin();
        method.BeforeStep(step);
        var output = method.call(queryViews, keyViews);
        _buckets?.BeginBackward();
        method.Backward(output);
        if (_buckets is not null)
        {
            var (loss, accuracy) = _buckets.Finish(output.Loss, output.ContrastAccuracy);
            output = output with { Loss = loss, ContrastAccuracy = accuracy };
        }

        inspect?.Invoke(output);
        method.AfterBackward(output);
        optimizer.Step(learningRate);
        optimizer.ClearGradients();
        return (output.Loss.detach().MoveToOuterDisposeScope(), output.ContrastAccuracy?.MoveToOuterDisposeScope());
    }
}
