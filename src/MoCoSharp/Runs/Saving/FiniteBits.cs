using System.Numerics;
using System.Runtime.InteropServices;
using MoCoSharp.PyTorch;
using static TorchSharp.torch;

namespace MoCoSharp.Runs;

/// <summary>Looks for NaN and infinity in host memory, without libtorch: any thread can call it.</summary>
internal static class FiniteBits
{
    /// <summary>Whether every value is finite. True for types that have no NaN.</summary>
    public static bool Check(HostTensor tensor) => tensor.Type switch
    {
        // The exponent of a NaN or an infinity has all its bits set.
        ScalarType.Float32 => !Any(MemoryMarshal.Cast<byte, uint>(tensor.Values), 0x7F80_0000u),
        ScalarType.Float64 => !Any(MemoryMarshal.Cast<byte, ulong>(tensor.Values), 0x7FF0_0000_0000_0000ul),
        ScalarType.BFloat16 => !Any(MemoryMarshal.Cast<byte, ushort>(tensor.Values), (ushort)0x7F80),
        ScalarType.Float16 => !Any(MemoryMarshal.Cast<byte, ushort>(tensor.Values), (ushort)0x7C00),
        _ => true,
    };

    private static bool Any<T>(ReadOnlySpan<T> values, T exponent) where T : unmanaged, IBinaryInteger<T>
    {
        var wide = new Vector<T>(exponent);
        var i = 0;
        for (; i <= values.Length - Vector<T>.Count; i += Vector<T>.Count)
        {
            if (Vector.EqualsAny(new Vector<T>(values[i..]) & wide, wide))
            {
                return true;
            }
        }

        for (; i < values.Length; i++)
        {
            if ((values[i] & exponent) == exponent)
            {
                return true;
            }
        }

        return false;
    }
}
