using TorchSharp;
using static TorchSharp.torch;

namespace MoCoSharp.Kernels;

/// <summary>A part of a network whose inner activations are not kept for the backward pass but computed again in it: time for memory.</summary>
/// <remarks>Chen et al. 2016, <see href="https://arxiv.org/abs/1604.06174"/>.</remarks>
internal sealed class Recomputation : autograd.SingleTensorFunction<Recomputation>
{
    private const string KeptKey = "kept";
    private const string PartKey = "part";

    public override string Name => nameof(Recomputation);

    /// <summary>The part's output.</summary>
    /// <param name="input">Kept for the backward pass; the only activation that is.</param>
    /// <param name="part">The same function of its input both times; told whether it is run again.</param>
    public static Tensor Of(Tensor input, Func<Tensor, bool, Tensor> part) =>
        is_grad_enabled() && input.requires_grad ? apply(input, part) : part(input, false);

    public override Tensor forward(autograd.AutogradContext ctx, params object[] vars)
    {
        var (input, part) = ((Tensor)vars[0], (Func<Tensor, bool, Tensor>)vars[1]);
        ctx.save_data(KeptKey, new KeptForBackward(input.detach()));
        ctx.save_data(PartKey, part);
        using var noGrad = no_grad();
        return part(input, false);
    }

    public override List<Tensor> backward(autograd.AutogradContext ctx, Tensor grad_output)
    {
        ReturnedGradients.LetGo();
        using var scope = NewDisposeScope();
        using var grad = enable_grad();
        var input = ((KeptForBackward)ctx.get_data(KeptKey)).Take(scope)[0]!.requires_grad_();
        var part = (Func<Tensor, bool, Tensor>)ctx.get_data(PartKey);
        part(input, true).backward([grad_output]);
        grad_output.Dispose();
        return ReturnedGradients.Of(input.grad, null);
    }
}
