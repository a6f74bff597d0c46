using System.Runtime.InteropServices;
using static TorchSharp.torch;

namespace MoCoSharp.Distributed;

/// <summary>The memory of tensors, for calls of native libraries.</summary>
internal static partial class TensorMemory
{
    /// <summary>Address of the first value, on any device. The tensor must stay alive while it is used.</summary>
    /// <exception cref="ArgumentException">The tensor is not contiguous.</exception>
    public static nint Address(Tensor tensor) => tensor.is_contiguous()
        ? DataOf(tensor.Handle)
        : throw new ArgumentException(
            $"A tensor of shape [{string.Join(", ", tensor.shape)}] is not contiguous. " +
            "Call contiguous() first.",
            nameof(tensor));

    /// <summary>Size of a tensor in bytes.</summary>
    public static long Bytes(Tensor tensor) => tensor.numel() * tensor.element_size();

    [LibraryImport("LibTorchSharp", EntryPoint = "THSTensor_data")]
    private static partial nint DataOf(nint tensor);
}
