using System.Runtime.InteropServices;
using static TorchSharp.torch;

namespace MoCoSharp.Distributed;

/// <summary>Where the values of a tensor lie, for those who hand them to a library.</summary>
internal static partial class TensorMemory
{
    /// <summary>The address of the first value, on whatever device; the tensor must outlive its use.</summary>
    /// <exception cref="ArgumentException">The values do not lie one behind the other.</exception>
    public static nint Address(Tensor tensor) => tensor.is_contiguous()
        ? DataOf(tensor.Handle)
        : throw new ArgumentException(
            $"A tensor of shape [{string.Join(", ", tensor.shape)}] is not contiguous: expected one whose values " +
            "lie one behind the other.",
            nameof(tensor));

    /// <summary>Its size in bytes.</summary>
    public static long Bytes(Tensor tensor) => tensor.numel() * tensor.element_size();

    [LibraryImport("LibTorchSharp", EntryPoint = "THSTensor_data")]
    private static partial nint DataOf(nint tensor);
}
