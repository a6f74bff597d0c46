using TorchSharp;
using static TorchSharp.torch;

namespace MoCoSharp.Kernels;

/// <summary>
/// Activation checkpointing: the backward pass computes the inner activations again, which saves memory and costs
/// time.
/// </summary>
/// <remarks>Chen et al. 2016, <see href="https://arxiv.org/abs/1604.06174"/>. Upstream.md says when this may
/// go.</remarks>
internal sealed class ActivationCheckpointing : CustomFunction<ActivationCheckpointing>
{
    private const string PartKey = "part";

    /// <summary>Runs a part of a network.</summary>
    /// <param name="input">The only activation that is saved.</param>
    /// <param name="part">(input, whether it is the second run) to output. The same function of its input both
    /// times.</param>
    /// <returns>The part's output.</returns>
    public static Tensor Run(Tensor input, Func<Tensor, bool, Tensor> part) =>
        is_grad_enabled() && input.requires_grad ? apply(input, part) : part(input, false);

    protected override Tensor Forward(autograd.AutogradContext ctx, IReadOnlyList<object> inputs)
    {
        var (input, part) = ((Tensor)inputs[0], (Func<Tensor, bool, Tensor>)inputs[1]);
        Save(ctx, input.detach());
        ctx.save_data(PartKey, part);
        return part(input, false);
    }

    protected override Tensor?[] Gradients(
        autograd.AutogradContext ctx, IReadOnlyList<Tensor?> saved, Tensor gradient)
    {
        using var recording = enable_grad();
        var input = saved[0]!.requires_grad_();
        var part = (Func<Tensor, bool, Tensor>)ctx.get_data(PartKey);
        part(input, true).backward([gradient]); // a fault belongs to the outer pass
        return [input.grad];
    }
}
