using TorchSharp;
using static TorchSharp.torch;

namespace MoCoSharp.Kernels;

/// <summary>Matrix products without a gradient.</summary>
internal static class MatMul
{
    private static bool _has = true; // whether libtorch has oneDNN; false after the first failure

    /// <summary>
    /// rows · columnsᵀ. In float32 on a CPU by oneDNN, which is two to three times as fast as torch.mm on AMD
    /// processors.
    /// </summary>
    /// <param name="rows">Shape [N, C].</param>
    /// <param name="columns">Of the same type. Shape [M, C]; may be a transposed view.</param>
    /// <returns>Shape [N, M], contiguous.</returns>
    /// <exception cref="ArgumentException">The shapes do not fit.</exception>
    public static Tensor TimesTransposed(Tensor rows, Tensor columns)
    {
        if (rows.shape is not [_, var width] || columns.shape is not [_, var other] || width != other)
        {
            throw new ArgumentException(
                $"[{string.Join(", ", rows.shape)}] and [{string.Join(", ", columns.shape)}] do not fit: " +
                "expected [N, C] and [M, C].");
        }

        using var noGrad = no_grad();
        if (_has && KernelTable.MatMul.IsOn && IsFloat32OnCpu(rows) && IsFloat32OnCpu(columns))
        {
            try
            {
                return Aten.Linear(rows, columns);
            }
            catch (Exception error) when (error is DllNotFoundException or EntryPointNotFoundException)
            {
                _has = false; // a libtorch without oneDNN
            }
        }

        return rows.mm(columns.t());
    }

    /// <summary>The product of each pair of matrices, written into existing memory.</summary>
    /// <param name="left">Shape [B, N, C].</param>
    /// <param name="right">Of the same type. Shape [B, C, M].</param>
    /// <param name="products">Written. Contiguous, of the same type, on the CPU. Shape [B, N, M].</param>
    public static void Batched(Tensor left, Tensor right, Tensor products)
    {
        using var noGrad = no_grad();
        try
        {
            Aten.BatchedProduct(left, right, products);
        }
        catch (EntryPointNotFoundException) // another libtorch
        {
            using var scope = NewDisposeScope();
            products.copy_(left.bmm(right));
        }
    }

    private static bool IsFloat32OnCpu(Tensor matrix) =>
        matrix.dtype == float32 && matrix.device_type == DeviceType.CPU && matrix.numel() > 0;
}
