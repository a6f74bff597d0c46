using MoCoSharp.Kernels;
using TorchSharp;
using static TorchSharp.torch;

namespace MoCoSharp.Models;

/// <summary>Hears where the passes through an encoder stand: "fc", "layer4" and so on down to "layer1".</summary>
internal interface IGradientWatch
{
    /// <summary>A forward pass that will have a gradient enters a part.</summary>
    void Entered(string part);

    /// <summary>
    /// The backward pass of one such pass has left the part: of this pass, its parameters get no more gradient.
    /// </summary>
    void Left(string part);
}

/// <summary>
/// Changes nothing, and tells when the backward pass comes through: everything behind it has its gradients then.
/// </summary>
/// <remarks>
/// libtorch adds to a parameter's gradient before it goes on with anything that was computed earlier in the forward
/// pass.
/// </remarks>
internal sealed class GradientBoundary : autograd.SingleTensorFunction<GradientBoundary>
{
    private const string WatchKey = "watch";
    private const string PartKey = "part";

    public override string Name => nameof(GradientBoundary);

    /// <summary>What enters a part.</summary>
    /// <param name="hidden">Nothing writes over it.</param>
    /// <param name="watch">Null where nobody listens: then nothing happens.</param>
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
