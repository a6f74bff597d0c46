using TorchSharp;
using static TorchSharp.torch;

namespace MoCoSharp.Kernels;

/// <summary>
/// Activation checkpointing: the backward pass computes the inner activations again, which saves memory and costs
/// time.
/// </summary>
/// <remarks>Chen et al. 2016, <see href="https://arxiv.org/abs/1604.06174"/>. Upstream.md says when this may
/// go.</remarks>
internal sealed class ActivationCheckpointing : autograd.SingleTensorFunction<ActivationCheckpointing>
{
    private const string SavedKey = "saved";
    private const string PartKey = "part";

    public override string Name => nameof(ActivationCheckpointing);

    /// <summary>Runs a part of a network.</summary>
    /// <param name="input">The only activation that is saved.</param>
    /// <param name="part">(input, whether it is the second run) to output. The same function of its input both
    /// times.</param>
    /// <returns>The part's output.</returns>
    public static Tensor Run(Tensor input, Func<Tensor, bool, Tensor> part) =>
        is_grad_enabled() && input.requires_grad ? apply(input, part) : part(input, false);

    public override Tensor forward(autograd.AutogradContext ctx, params object[] vars)
    {
        var (input, part) = ((Tensor)vars[0], (Func<Tensor, bool, Tensor>)vars[1]);
        ctx.save_data(SavedKey, new SavedTensors(input.detach()));
        ctx.save_data(PartKey, part);
        using var noGrad = no_grad();
        return part(input, false);
    }

    public override List<Tensor> backward(autograd.AutogradContext ctx, Tensor grad_output)
    {
        BackwardResults.ReleasePrevious();
        using var scope = NewDisposeScope();
        using var grad = enable_grad();
        var input = ((SavedTensors)ctx.get_data(SavedKey)).Unpack(scope)[0]!.requires_grad_();
        var part = (Func<Tensor, bool, Tensor>)ctx.get_data(PartKey);
        part(input, true).backward([grad_output]);
        grad_output.Dispose();
        return BackwardResults.Return(input.grad, null);
    }
}
