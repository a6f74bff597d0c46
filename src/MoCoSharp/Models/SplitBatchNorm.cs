using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace MoCoSharp.Models;

/// <summary>
/// Batch normalisation over groups of a batch, as if each group were on a device of its own: sample i belongs to group i mod S.
/// With one group it is plain batch normalisation. Weights and buffers have torchvision's names and sizes whatever S is.
/// </summary>
/// <remarks>
/// The groups keep MoCo's shuffle meaningful in one process (He et al. 2020, <see href="https://arxiv.org/abs/1911.05722"/>, section 3.3).
/// Every group updates the running statistics from the same old value, and their mean is kept; evaluation uses that.
/// </remarks>
public sealed class SplitBatchNorm : Module<Tensor, Tensor>
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

    /// <summary>Normalises by the statistics of each sample's group in training, by the running ones in evaluation.</summary>
    /// <param name="input">Shape [N, C, H, W]; in training N is a multiple of S.</param>
    /// <returns>The same shape.</returns>
    public override Tensor forward(Tensor input)
    {
        if (!training)
        {
            return functional.batch_norm(input, running_mean, running_var, weight, bias, training: false, UpdateShare, Epsilon);
        }

        using (no_grad())
        {
            num_batches_tracked.add_(1);
        }

        return _groups == 1
            ? functional.batch_norm(input, running_mean, running_var, weight, bias, training: true, UpdateShare, Epsilon)
            : NormalizeByGroup(input);
    }

    private Tensor NormalizeByGroup(Tensor input)
    {
        if (input.shape is not [var count, var channels, var height, var width] || count % _groups != 0)
        {
            throw new ArgumentException(
                $"Input of shape [{string.Join(", ", input.shape)}] does not divide into {_groups} groups: expected [N, C, H, W] with N a multiple of {_groups}.",
                nameof(input));
        }

        using var scope = NewDisposeScope();
        var mean = running_mean.repeat(_groups); // [S * C]
        var variance = running_var.repeat(_groups);
        var output = functional.batch_norm(
            input.contiguous().view(count / _groups, _groups * channels, height, width), // row i of the batch is group i mod S
            mean, variance, weight.repeat(_groups), bias.repeat(_groups), training: true, UpdateShare, Epsilon);
        using (no_grad())
        {
            running_mean.copy_(mean.view(_groups, channels).mean([0]));
            running_var.copy_(variance.view(_groups, channels).mean([0]));
        }

        return output.view(count, channels, height, width).MoveToOuterDisposeScope();
    }
}
