using TorchSharp;
using static TorchSharp.torch;

namespace MoCoSharp.Kernels;

/// <summary>Products of matrices that no gradient flows through.</summary>
internal static class Products
{
    private static bool _has = true; // oneDNN's product, until it is found missing

    /// <summary>rows · columnsᵀ. In float32 on a CPU by oneDNN, which on AMD's processors is two to three times as fast as the library behind torch.mm.</summary>
    /// <param name="rows">Shape [N, C].</param>
    /// <param name="columns">Of the same type. Shape [M, C]; a transposed view does as well.</param>
    /// <returns>Shape [N, M], contiguous.</returns>
    /// <exception cref="ArgumentException">The shapes do not fit.</exception>
    public static Tensor Transposed(Tensor rows, Tensor columns)
    {
        if (rows.shape is not [_, var width] || columns.shape is not [_, var other] || width != other)
        {
            throw new ArgumentException($"[{string.Join(", ", rows.shape)}] and [{string.Join(", ", columns.shape)}] do not fit: expected [N, C] and [M, C].");
        }

        using var noGrad = no_grad();
        if (_has && KernelTable.MatMul.IsOn && rows.dtype == float32 && columns.dtype == float32 && rows.device_type == DeviceType.CPU && rows.numel() > 0 && columns.numel() > 0)
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
}
