using TorchSharp;
using static TorchSharp.torch;

namespace MoCoSharp.Kernels;

/// <summary>
/// An operation with a gradient of our own. <see cref="BackwardPass"/> throws an exception of the gradient after the
/// pass.
/// </summary>
/// <typeparam name="T">The operation.</typeparam>
internal abstract class CustomFunction<T> : autograd.SingleTensorFunction<T>
    where T : CustomFunction<T>, new()
{
    private const string CountKey = "inputs";
    private const string SavedKey = "saved";

    public override string Name => typeof(T).Name;

    /// <summary>The output, without a gradient.</summary>
    /// <param name="ctx">Keeps what the gradients need.</param>
    /// <param name="inputs">Tensors and other values.</param>
    protected abstract Tensor Forward(autograd.AutogradContext ctx, IReadOnlyList<object> inputs);

    /// <summary>The gradients of the inputs. Runs without recording, in a scope of its own.</summary>
    /// <param name="ctx">What <see cref="Forward"/> kept there.</param>
    /// <param name="saved">The tensors that <see cref="Forward"/> saved last; freed afterwards.</param>
    /// <param name="gradient">Of the output, in its shape.</param>
    /// <returns>In the order of the inputs; null, or missing at the end, for those without a gradient.</returns>
    protected abstract Tensor?[] Gradients(
        autograd.AutogradContext ctx, IReadOnlyList<Tensor?> saved, Tensor gradient);

    /// <summary>Saves tensors for the gradients, until these are computed.</summary>
    /// <param name="ctx">Keeps them.</param>
    /// <param name="tensors">Handles without a gradient. No one else may dispose them.</param>
    protected static void Save(autograd.AutogradContext ctx, params Tensor?[] tensors) =>
        ctx.save_data(SavedKey, new SavedTensors(tensors));

    public sealed override Tensor forward(autograd.AutogradContext ctx, params object[] vars)
    {
        ctx.set_materialize_grads(false); // after a fault, gradients are missing: libtorch would make zeros of them
        ctx.save_data(CountKey, vars.Length);
        Save(ctx); // nothing, if Forward saves nothing
        using var noGrad = no_grad();
        using var scope = NewDisposeScope();
        return Forward(ctx, vars).MoveToOuterDisposeScope();
    }

    public sealed override List<Tensor> backward(autograd.AutogradContext ctx, Tensor grad_output)
    {
        var count = (int)ctx.get_data(CountKey);
        BackwardResults.ReleasePrevious();
        using var noGrad = no_grad();
        using var scope = NewDisposeScope();
        var saved = (SavedTensors)ctx.get_data(SavedKey);
        using (grad_output)
        {
            var found = grad_output.IsInvalid ? null : BackwardPass.Try(grad_output.is_cuda, () =>
            {
                var gradients = Gradients(ctx, saved.Unpack(scope), grad_output);
                return BackwardResults.Return([.. gradients, .. new Tensor?[count - gradients.Length]]);
            });
            saved.Free(); // if the pass has failed before
            return found ?? [.. new Tensor[count]]; // TorchSharp expects null where there is no gradient
        }
    }
}
