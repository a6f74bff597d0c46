using MoCoSharp.Distributed;
using MoCoSharp.Kernels;
using TorchSharp;
using static MoCoSharp.Kernels.Scalars;
using static TorchSharp.torch;

namespace MoCoSharp.Models;

/// <summary>Batch normalization with the statistics of the global batch, which is spread over several ranks.</summary>
/// <remarks>
/// Each rank's loss is the mean over its share. The backward pass sums the gradients of the statistics over ranks. The
/// parameter gradients averaged over ranks then equal those of one process with one group.
/// </remarks>
internal sealed class SyncBatchNorm : CustomFunction<SyncBatchNorm>
{
    private const string GroupKey = "group";

    /// <summary>Mean and variance over all ranks, which hold equal shares. Every rank must call this.</summary>
    /// <param name="input">This rank's share. Shape [N / ranks, C, ...].</param>
    /// <param name="group">The ranks.</param>
    /// <returns>Each of shape [C], float64. The variance is biased: divided by the count, not by count - 1.</returns>
    public static (Tensor Mean, Tensor Variance) Statistics(Tensor input, IProcessGroup group)
    {
        using var noGrad = no_grad();
        using var scope = NewDisposeScope();
        var values = input.detach().to(input.dtype == float64 ? float64 : float32);
        var own = values.mean(Others(input), keepdim: true);
        var off = values - own;
        var spread = (off * off).mean(Others(input)).to(float64);
        var all = group.AllGather(stack([own.flatten().to(float64), spread])); // [ranks, 2, C]
        var means = all.select(1, 0);
        var mean = means.mean([0]);
        var between = means - mean;
        var variance = all.select(1, 1).add_(between * between, One).mean([0]); // within ranks, and between them
        return (mean.MoveToOuterDisposeScope(), variance.MoveToOuterDisposeScope());
    }

    /// <summary>
    /// Computes (x - mean) / sqrt(variance + epsilon) * weight + bias. The gradient includes the path through the
    /// statistics.
    /// </summary>
    /// <param name="input">This rank's share. Shape [N / ranks, C, ...].</param>
    /// <param name="weight">Shape [C].</param>
    /// <param name="bias">Shape [C].</param>
    /// <param name="mean">From <see cref="Statistics"/>, in the type of the weights. Shape [C].</param>
    /// <param name="deviation">sqrt(variance + epsilon), in the type of the weights. Shape [C].</param>
    /// <param name="group">The ranks.</param>
    public static Tensor Normalize(
        Tensor input, Tensor weight, Tensor bias, Tensor mean, Tensor deviation, IProcessGroup group
    ) => apply(input, weight, bias, mean, deviation, group);

    protected override Tensor Forward(autograd.AutogradContext ctx, IReadOnlyList<object> inputs)
    {
        var (input, weight, bias) = ((Tensor)inputs[0], (Tensor)inputs[1], (Tensor)inputs[2]);
        var (mean, deviation) = ((Tensor)inputs[3], (Tensor)inputs[4]);
        Save(ctx, input.detach(), weight.detach(), mean.alias(), deviation.alias());
        ctx.save_data(GroupKey, inputs[5]);
        return (Standard(input, mean, deviation) * Channels(weight, input))
            .add_(Channels(bias, input), One)
            .to(input.dtype);
    }

    protected override Tensor?[] Gradients(
        autograd.AutogradContext ctx, IReadOnlyList<Tensor?> saved, Tensor gradient)
    {
        var (input, weight, mean, deviation) = (saved[0]!, saved[1]!, saved[2]!, saved[3]!);
        var group = (IProcessGroup)ctx.get_data(GroupKey);
        var ofOutput = gradient.to(weight.dtype);
        var standard = Standard(input, mean, deviation);
        var ofBias = ofOutput.sum(Others(input));
        var ofWeight = (ofOutput * standard).sum(Others(input));

        // The gradients of mean and variance, summed over all samples of all ranks.
        var sums = stack([ofBias, ofWeight]).to(float64);
        group.AllReduceSum(sums);
        sums = sums.div_(Held((double)input.numel() / input.shape[1] * group.Size)).to(weight.dtype);
        var ofInput = ofOutput
            .sub(Channels(sums[0], input))
            .sub_(standard * Channels(sums[1], input))
            .mul_(Channels(weight / deviation, input))
            .to(input.dtype);
        return [ofInput, ofWeight, ofBias];
    }

    private static Tensor Standard(Tensor input, Tensor mean, Tensor deviation) =>
        (input.to(mean.dtype) - Channels(mean, input)).div_(Channels(deviation, input));

    // [C] -> [1, C, 1, 1], or [1, C] for [N, C].
    private static Tensor Channels(Tensor values, Tensor input) =>
        values.reshape([1, -1, .. Enumerable.Repeat(1L, (int)input.dim() - 2)]);

    // All dimensions except the channels.
    private static long[] Others(Tensor input) =>
        [0, .. Enumerable.Range(2, (int)input.dim() - 2).Select(i => (long)i)];
}
