using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using TorchSharp;
using static TorchSharp.torch;

namespace MoCoSharp.PyTorch;

/// <summary>Access to the memory of tensors in pieces: a span holds at most 2 GB, a tensor may hold more.</summary>
internal static class TensorBytes
{
    private const long Piece = 1 << 28; // bytes

    /// <summary>A new tensor, filled from a stream.</summary>
    /// <param name="type">Element type.</param>
    /// <param name="count">Number of elements.</param>
    /// <param name="fill">Fills one piece after another.</param>
    /// <returns>Shape [count].</returns>
    public static Tensor Read(ScalarType type, long count, Action<Span<byte>> fill)
    {
        using var scope = NewDisposeScope();
        var values = empty([count], dtype: type);
        var piece = Piece / TorchTypes.Size(type);
        for (long at = 0; at < count; at += piece)
        {
            fill(values.narrow(0, at, Math.Min(piece, count - at)).bytes);
        }

        return values.MoveToOuterDisposeScope();
    }

    /// <summary>Writes the values of a tensor in contiguous order, from any layout and device.</summary>
    public static void Write(Tensor tensor, Action<ReadOnlySpan<byte>> write)
    {
        using var noGrad = no_grad();
        using var scope = NewDisposeScope();
        var values = tensor.detach().cpu().contiguous().flatten();
        var piece = Piece / TorchTypes.Size(tensor.dtype);
        for (long at = 0; at < values.shape[0]; at += piece)
        {
            using var part = NewDisposeScope();
            write(values.narrow(0, at, Math.Min(piece, values.shape[0] - at)).bytes);
        }
    }

    /// <summary>
    /// The address of a tensor's values; null if the tensor is empty, not contiguous or not on the CPU.
    /// </summary>
    public static nint? Address(Tensor tensor)
    {
        if (tensor.device_type != DeviceType.CPU || !tensor.is_contiguous() || tensor.numel() == 0)
        {
            return null;
        }

        using var scope = NewDisposeScope();
        ref var first = ref MemoryMarshal.GetReference(tensor.detach().flatten().narrow(0, 0, 1).bytes);
        unsafe
        {
            return (nint)Unsafe.AsPointer(ref first);
        }
    }
}
