using TorchSharp;
using static TorchSharp.torch;

namespace MoCoSharp.Kernels;

/// <summary>rows · weightᵀ with its gradients, each product by the fastest method.</summary>
/// <remarks>
/// In float32 by <see cref="MatMul"/>. In bfloat16 libtorch uses oneDNN itself; there the weight gradient of many
/// rows is computed in parallel parts.
/// </remarks>
internal sealed class LinearProduct : CustomFunction<LinearProduct>
{
    private const int ManyRows = 8192;
    private const int Parts = 4;

    /// <summary>The product.</summary>
    /// <param name="rows">Shape [R, I].</param>
    /// <param name="weight">Of the same type. Shape [O, I].</param>
    /// <returns>Shape [R, O].</returns>
    public static Tensor Of(Tensor rows, Tensor weight) =>
        !KernelTable.Linear.IsOn ? nn.functional.linear(rows, weight)
        : is_grad_enabled() && (rows.requires_grad || weight.requires_grad) ? apply(rows, weight)
        : MatMul.TimesTransposed(rows, weight);

    protected override Tensor Forward(autograd.AutogradContext ctx, IReadOnlyList<object> inputs)
    {
        var (rows, weight) = ((Tensor)inputs[0], (Tensor)inputs[1]);
        Save(
            ctx, weight.requires_grad ? rows.detach() : null, rows.requires_grad ? weight.detach() : null);
        return MatMul.TimesTransposed(rows, weight);
    }

    protected override Tensor?[] Gradients(
        autograd.AutogradContext ctx, IReadOnlyList<Tensor?> saved, Tensor gradient)
    {
        var ofRows = saved[1] is { } weight ? MatMul.TimesTransposed(gradient, weight.t()) : null; // g w: [R, I]
        var ofWeight = saved[0] is { } rows ? OfWeight(gradient, rows) : null;
        return [ofRows, ofWeight];
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
