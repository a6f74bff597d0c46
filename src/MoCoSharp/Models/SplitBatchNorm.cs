using System.Runtime.InteropServices;
using MoCoSharp.Distributed;
using MoCoSharp.Kernels;
using MoCoSharp.Methods;
using TorchSharp;
using TorchSharp.Modules;
using static MoCoSharp.Kernels.Scalars;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace MoCoSharp.Models;

/// <summary>
/// Batch normalization over S groups of a batch, as if each group were on its own device. The first N / S samples are
/// the first group, and so on (<see cref="BatchGroups"/>). One group is plain batch normalization. Weights and buffers
/// have torchvision's names and sizes for any S. The input may have a narrower type than the weights; statistics and
/// sums keep the weights' type.
/// </summary>
/// <remarks>
/// The groups keep MoCo's shuffle meaningful in one process (He et al. 2020,
/// <see href="https://arxiv.org/abs/1911.05722"/>, section 3.3). Each group updates the running statistics from the
/// same old value. The layer keeps the mean of these updates, and evaluation uses it.
/// </remarks>
internal sealed class SplitBatchNorm : Module<Tensor, Tensor>
{
    private const double UpdateShare = 0.1; // "momentum" 0.1 of PyTorch: the new statistics count a tenth
    private const double Epsilon = 1e-5;

    private readonly Parameter weight;            // [C]
    private readonly Parameter bias;              // [C]
    private readonly Tensor running_mean;         // [C]
    private readonly Tensor running_var;          // [C], unbiased
    private readonly Tensor num_batches_tracked;  // scalar
    private readonly int _groups;

    /// <summary>A layer with weight 1 and bias 0.</summary>
    /// <param name="channels">C, above 0.</param>
    /// <param name="groups">S, above 0.</param>
    public SplitBatchNorm(int channels, int groups) : base(nameof(SplitBatchNorm))
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(channels);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(groups);
        _groups = groups;
        weight = new Parameter(ones(channels));
        bias = new Parameter(zeros(channels));
        running_mean = zeros(channels);
        running_var = ones(channels);
        num_batches_tracked = zeros([], dtype: int64);
        RegisterComponents();
    }

    /// <summary>The type of weights and statistics.</summary>
    public ScalarType Type => weight.dtype;

    /// <summary>
    /// Normalizes by the statistics of each sample's group in training, and by the running statistics in evaluation.
    /// </summary>
    /// <param name="input">Shape [N, C, H, W] or [N, C]; in training N is a multiple of S.</param>
    /// <returns>The same shape.</returns>
    public override Tensor forward(Tensor input) => forward(input, BatchNormMode.Default);

    /// <summary>Normalizes in a given mode.</summary>
    internal Tensor forward(Tensor input, BatchNormMode mode) =>
        Normalize(input, mode, shortcut: null, rectifies: false, overwrites: false);

    /// <summary>
    /// Computes relu(normalized input + shortcut), the end of a block, as one operation if supported.
    /// </summary>
    /// <param name="input">
    /// May be overwritten, so no other code may use it. The shape of <see cref="forward(Tensor)"/>'s input.
    /// </param>
    /// <param name="mode">The mode of this pass.</param>
    /// <param name="shortcut">The same shape; null adds nothing.</param>
    internal Tensor NormalizeAddRelu(Tensor input, BatchNormMode mode, Tensor? shortcut = null)
    {
        if (Fuses(input, mode))
        {
            return Normalize(input, mode, shortcut, rectifies: true, overwrites: true);
        }

        using var scope = NewDisposeScope();
        var output = forward(input, mode);
        return (shortcut is null ? output : output.add_(shortcut, One)).relu_().MoveToOuterDisposeScope();
    }

    private bool Fuses(Tensor input, BatchNormMode mode)
    {
        var groups = GroupsIn(mode);
        return training && mode.SyncGroup is null && weight.dtype == float32 && BatchNormKernels.IsSupported(input)
            && input.shape[0] % groups == 0 && input.numel() / input.shape[1] / groups > 1;
    }

    private int GroupsIn(BatchNormMode mode) => mode.SingleGroup ? 1 : _groups;

    private Tensor Normalize(Tensor input, BatchNormMode mode, Tensor? shortcut, bool rectifies, bool overwrites)
    {
        if (!training)
        {
            return functional.batch_norm(
                input, running_mean, running_var, weight, bias, training: false, UpdateShare, Epsilon);
        }

        if (mode.UpdatesRunningStatistics)
        {
            using var noGrad = no_grad();
            num_batches_tracked.add_(One, One);
        }

        if (mode.SyncGroup is not null)
        {
            return NormalizeOver(mode.SyncGroup, input, mode);
        }

        if (Fuses(input, mode))
        {
            return NormalizeFused(input, mode, shortcut, rectifies, overwrites);
        }

        return GroupsIn(mode) == 1 && mode.UpdatesRunningStatistics
            ? functional.batch_norm(
                input, running_mean, running_var, weight, bias, training: true, UpdateShare, Epsilon)
            : input is { device_type: DeviceType.CUDA, shape.Length: 4 }
                ? NormalizeAtOnce(input, mode)
                : NormalizeByGroup(input, mode);
    }

    private Tensor NormalizeOver(IProcessGroup ranks, Tensor input, BatchNormMode mode)
    {
        using var scope = NewDisposeScope();
        var (mean, variance) = SyncBatchNorm.Statistics(input, ranks);
        if (mode.UpdatesRunningStatistics)
        {
            using var noGrad = no_grad();
            var count = (double)input.numel() / input.shape[1] * ranks.Size;
            running_mean.mul_(Held(1 - UpdateShare)).add_(mean.to(running_mean.dtype), Held(UpdateShare));
            running_var
                .mul_(Held(1 - UpdateShare))
                .add_(variance.to(running_var.dtype), Held(UpdateShare * count / (count - 1)));
        }

        var deviation = variance.add(Held(Epsilon), One).sqrt();
        return SyncBatchNorm
            .Normalize(input, weight, bias, mean.to(weight.dtype), deviation.to(weight.dtype), ranks)
            .MoveToOuterDisposeScope();
    }

    private Tensor NormalizeFused(Tensor input, BatchNormMode mode, Tensor? shortcut, bool rectifies, bool overwrites)
    {
        var groups = GroupsIn(mode);
        using var scope = NewDisposeScope();
        (double[] Mean, double[] Variance) moments;
        using (var rows = FusedBatchNorm.RowsOf(input))
        {
            moments = BatchNormKernels.Moments(rows, groups);
        }

        if (mode.UpdatesRunningStatistics)
        {
            var count = (double)input.numel() / input.shape[1] / groups;
            Update(running_mean, moments.Mean, 1, groups);
            Update(running_var, moments.Variance, count / (count - 1), groups);
        }

        return FusedBatchNorm
            .Apply(input, weight, bias, shortcut, moments, Epsilon, rectifies, overwrites)
            .MoveToOuterDisposeScope();
    }

    // Averages, over the groups, the update that each makes from the same old value.
    private static void Update(Tensor running, double[] values, double factor, int groups)
    {
        var old = MemoryMarshal.Cast<byte, float>(running.bytes);
        for (var c = 0; c < old.Length; c++)
        {
            var sum = 0.0;
            for (var i = c; i < values.Length; i += old.Length)
            {
                sum += values[i];
            }

            old[c] = (float)(((1 - UpdateShare) * old[c]) + (UpdateShare * factor * sum / groups));
        }
    }

    // The groups side by side as channels: one operation in place of S. On a GPU, small operations cost more to start
    // than to run. Same result as NormalizeByGroup.
    internal Tensor NormalizeAtOnce(Tensor input, BatchNormMode mode)
    {
        var groups = GroupsIn(mode);
        BatchGroups.Check(input, groups);
        using var scope = NewDisposeScope();
        var means = running_mean.repeat(groups); // [S C]
        var variances = running_var.repeat(groups);
        var pixels = input.permute(0, 2, 3, 1).unflatten(0, [groups, -1]); // [S, N / S, H, W, C]
        var side = pixels.permute(1, 2, 3, 0, 4).flatten(3).permute(0, 3, 1, 2); // [N / S, S C, H, W], channels last
        var output = functional.batch_norm(
            side, means, variances, weight.repeat(groups), bias.repeat(groups), training: true, UpdateShare, Epsilon);
        if (mode.UpdatesRunningStatistics)
        {
            using var noGrad = no_grad();
            running_mean.copy_(means.view(groups, -1).mean([0]));
            running_var.copy_(variances.view(groups, -1).mean([0]));
        }

        return output
            .permute(0, 2, 3, 1)
            .unflatten(3, [groups, -1]) // [N / S, H, W, S, C]
            .permute(3, 0, 1, 2, 4)
            .flatten(0, 1) // [N, H, W, C]
            .permute(0, 3, 1, 2)
            .MoveToOuterDisposeScope();
    }

    internal Tensor NormalizeByGroup(Tensor input, BatchNormMode mode)
    {
        var groups = GroupsIn(mode);
        BatchGroups.Check(input, groups);
        using var scope = NewDisposeScope();
        var means = running_mean.repeat(groups, 1); // [S, C]: every group starts from the same old values
        var variances = running_var.repeat(groups, 1);
        var parts = input.chunk(groups);
        for (var group = 0; group < groups; group++)
        {
            parts[group] = functional.batch_norm(
                parts[group], means[group], variances[group], weight, bias, training: true, UpdateShare, Epsilon);
        }

        if (mode.UpdatesRunningStatistics)
        {
            using var noGrad = no_grad();
            running_mean.copy_(means.mean([0]));
            running_var.copy_(variances.mean([0]));
        }

        return (groups == 1 ? parts[0] : cat(parts)).MoveToOuterDisposeScope();
    }
}
