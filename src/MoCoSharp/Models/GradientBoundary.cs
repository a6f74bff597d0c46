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
internal sealed class GradientBoundary : CustomFunction<GradientBoundary>
{
    private const string WatchKey = "watch";
    private const string PartKey = "part";

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

    protected override Tensor Forward(autograd.AutogradContext ctx, IReadOnlyList<object> inputs)
    {
        ctx.save_data(WatchKey, inputs[1]);
        ctx.save_data(PartKey, inputs[2]);
        return ((Tensor)inputs[0]).alias();
    }

    protected override Tensor?[] Gradients(
        autograd.AutogradContext ctx, IReadOnlyList<Tensor?> saved, Tensor gradient)
    {
        ((IGradientWatch)ctx.get_data(WatchKey)).Left((string)ctx.get_data(PartKey));
        return [gradient.alias()];
    }
}
