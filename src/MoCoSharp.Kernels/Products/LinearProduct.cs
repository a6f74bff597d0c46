using TorchSharp;
using static TorchSharp.torch;

namespace MoCoSharp.Kernels;

/// <summary>
/// rows · weightᵀ with its gradients, each product by the way that is fastest: in float32 oneDNN's (<see cref="Products"/>), and in bfloat16, which libtorch
/// multiplies by oneDNN as it is, the weights' gradient of very many rows in parts.
/// </summary>
internal sealed class LinearProduct : autograd.SingleTensorFunction<LinearProduct>
{
    private const int ManyRows = 8192;
    private const int Parts = 4;
    private const string KeptKey = "kept";

    public override string Name => nameof(LinearProduct);

    /// <summary>The product.</summary>
    /// <param name="rows">Shape [R, I].</param>
    /// <param name="weight">Of the same type. Shape [O, I].</param>
    /// <returns>Shape [R, O].</returns>
    public static Tensor Of(Tensor rows, Tensor weight) =>
        !KernelTable.Linear.IsOn ? nn.functional.linear(rows, weight)
        : is_grad_enabled() && (rows.requires_grad || weight.requires_grad) ? apply(rows, weight)
        : Products.Transposed(rows, weight);

    public override Tensor forward(autograd.AutogradContext ctx, params object[] vars)
    {
        var (rows, weight) = ((Tensor)vars[0], (Tensor)vars[1]);
        ctx.save_data(KeptKey, new KeptForBackward(weight.requires_grad ? rows.detach() : null, rows.requires_grad ? weight.detach() : null));
        return Products.Transposed(rows, weight);
    }

    public override List<Tensor> backward(autograd.AutogradContext ctx, Tensor grad_output)
    {
        ReturnedGradients.LetGo();
        using var noGrad = no_grad();
        using var scope = NewDisposeScope();
        var kept = ((KeptForBackward)ctx.get_data(KeptKey)).Take(scope);
        var ofRows = kept[1] is { } weight ? Products.Transposed(grad_output, weight.t()) : null; // g w: [R, I]
        var ofWeight = kept[0] is { } rows ? OfWeight(grad_output, rows) : null;
        grad_output.Dispose();
        return ReturnedGradients.Of(ofRows, ofWeight);
    }

    // gᵀ x: [O, I]
    private static Tensor OfWeight(Tensor gradient, Tensor rows)
    {
        if (rows.dtype == bfloat16 && rows.shape[0] >= ManyRows && rows.shape[0] % Parts == 0)
        {
            var (outputs, inputs) = (gradient.shape[1], rows.shape[1]);
            return gradient.reshape(Parts, -1, outputs).transpose(1, 2).bmm(rows.reshape(Parts, -1, inputs)).sum(0, type: float32).to(bfloat16);
        }

        return gradient.shape[1] <= rows.shape[1] // oneDNN copies what is transposed on the left: the narrower
            ? Products.Transposed(gradient.t(), rows.t())
            : Products.Transposed(rows.t(), gradient.t()).t().contiguous();
    }
}
