using MoCoSharp.Kernels;
using TorchSharp;
using static TorchSharp.torch;

namespace MoCoSharp.Models;

/// <summary>Receives the progress of passes through an encoder: "fc", "layer4" and so on down to "layer1".</summary>
internal interface IGradientWatch
{
    /// <summary>A forward pass that records a gradient enters a part.</summary>
    void Entered(string part);

    /// <summary>
    /// The backward pass has left the part: this pass adds no more gradient to the part's parameters.
    /// </summary>
    void Left(string part);
}

/// <summary>
/// An identity function that reports when the backward pass reaches it: all later layers have their gradients then.
/// </summary>
/// <remarks>
/// libtorch accumulates a parameter's gradient before it continues with earlier operations of the forward pass.
/// </remarks>
internal sealed class GradientBoundary : autograd.SingleTensorFunction<GradientBoundary>
{
    private const string WatchKey = "watch";
    private const string PartKey = "part";

    public override string Name => nameof(GradientBoundary);

    /// <summary>Marks the input of a part.</summary>
    /// <param name="hidden">Must not be overwritten later.</param>
    /// <param name="watch">Null returns the input unchanged.</param>
    /// <param name="part">The part's name.</param>
    public static Tensor Insert(Tensor hidden, IGradientWatch? watch, string part)
    {
        if (watch is null || !hidden.requires_grad || !is_grad_enabled())
        {
            return hidden;
        }

        watch.Entered(part);
        return apply(hidden, watch, part);
    }

    public override Tensor forward(autograd.AutogradContext ctx, params object[] vars)
    {
        ctx.save_data(WatchKey, vars[1]);
        ctx.save_data(PartKey, vars[2]);
        return ((Tensor)vars[0]).alias();
    }

    public override List<Tensor> backward(autograd.AutogradContext ctx, Tensor grad_output)
    {
        ((IGradientWatch)ctx.get_data(WatchKey)).Left((string)ctx.get_data(PartKey));
        using var scope = NewDisposeScope();
        var passed = grad_output.alias();
        grad_output.Dispose();
        return BackwardResults.Return(passed, null, null);
    }
}
