using TorchSharp;
using static TorchSharp.torch;

namespace MoCoSharp.Kernels;

/// <summary>rows · weightᵀ with its gradients, each product by the fastest method.</summary>
/// <remarks>
/// In float32 by <see cref="MatMul"/>. In bfloat16 libtorch uses oneDNN itself; there the weight gradient of many
/// rows is computed in parallel parts.
/// </remarks>
internal sealed class LinearProduct : autograd.SingleTensorFunction<LinearProduct>
{
    private const int ManyRows = 8192;
    private const int Parts = 4;
    private const string SavedKey = "saved";

    public override string Name => nameof(LinearProduct);

    /// <summary>The product.</summary>
    /// <param name="rows">Shape [R, I].</param>
    /// <param name="weight">Of the same type. Shape [O, I].</param>
    /// <returns>Shape [R, O].</returns>
    public static Tensor Of(Tensor rows, Tensor weight) =>
        !KernelTable.Linear.IsOn ? nn.functional.linear(rows, weight)
        : is_grad_enabled() && (rows.requires_grad || weight.requires_grad) ? apply(rows, weight)
        : MatMul.TimesTransposed(rows, weight);

    public override Tensor forward(autograd.AutogradContext ctx, params object[] vars)
    {
        var (rows, weight) = ((Tensor)vars[0], (Tensor)vars[1]);
        ctx.save_data(SavedKey, new SavedTensors(
            weight.requires_grad ? rows.detach() : null, rows.requires_grad ? weight.detach() : null));
        return MatMul.TimesTransposed(rows, weight);
    }

    public override List<Tensor> backward(autograd.AutogradContext ctx, Tensor grad_output)
    {
        BackwardResults.ReleasePrevious();
        using var noGrad = no_grad();
        using var scope = NewDisposeScope();
        var kept = ((SavedTensors)ctx.get_data(SavedKey)).Unpack(scope);
        var ofRows = kept[1] is { } weight ? MatMul.TimesTransposed(grad_output, weight.t()) : null; // g w: [R, I]
        var ofWeight = kept[0] is { } rows ? OfWeight(grad_output, rows) : null;
        grad_output.Dispose();
        return BackwardResults.Return(ofRows, ofWeight);
    }

    // gᵀ x: [O, I]
    private static Tensor OfWeight(Tensor gradient, Tensor rows)
    {
        if (rows.dtype == bfloat16 && rows.shape[0] >= ManyRows && rows.shape[0] % Parts == 0)
        {
            var (outputs, inputs) = (gradient.shape[1], rows.shape[1]);
            var parts = gradient.reshape(Parts, -1, outputs).transpose(1, 2).bmm(rows.reshape(Parts, -1, inputs));
            return parts.sum(0, type: float32).to(bfloat16); // [Parts, O, I] to [O, I]
        }

        // oneDNN copies a transposed left matrix, so the narrower matrix is on the left.
        return gradient.shape[1] <= rows.shape[1]
            ? MatMul.TimesTransposed(gradient.t(), rows.t())
            : MatMul.TimesTransposed(rows.t(), gradient.t()).t().contiguous();
    }
}
