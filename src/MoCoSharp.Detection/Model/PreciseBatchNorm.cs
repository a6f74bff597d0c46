using TorchSharp;
using static MoCoSharp.Kernels.Scalars;
using static TorchSharp.torch;

namespace MoCoSharp.Detection.Model;

/// <summary>Computes BatchNorm statistics as a true average over batches.</summary>
internal static class PreciseBatchNorm
{
    private const double UpdateShare = 0.1; // weight of a pass in the running statistics, as in SplitBatchNorm

    /// <summary>Replaces every running mean and variance by the average over the passes.</summary>
    /// <param name="model">The model, in training mode.</param>
    /// <param name="passes">At least one pass. Each runs the model once.</param>
    /// <param name="cancellation">Cancels the work. The statistics are then unusable.</param>
    public static void Measure(nn.Module model, IEnumerable<Action> passes, CancellationToken cancellation)
    {
        using var noGrad = no_grad();
        using var scope = NewDisposeScope();
        var statistics = model.named_buffers()
            .Where(item =>
                item.name.EndsWith("running_mean", StringComparison.Ordinal)
                || item.name.EndsWith("running_var", StringComparison.Ordinal))
            .Select(item => (Running: item.buffer, Sum: zeros_like(item.buffer, dtype: float64))).ToList();
        var done = 0;
        foreach (var pass in passes)
        {
            cancellation.ThrowIfCancellationRequested();
            using var passScope = NewDisposeScope();
            // From 0, a pass leaves a tenth of its statistics, and nothing else.
            statistics.ForEach(item => item.Running.zero_());
            pass();
            statistics.ForEach(item => item.Sum.add_(item.Running.to(float64), One));
            done++;
        }

        statistics.ForEach(item => item.Running.copy_(item.Sum.div(Held(UpdateShare * done))));
    }
}
