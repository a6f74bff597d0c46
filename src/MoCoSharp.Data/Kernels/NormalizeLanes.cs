using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics.Arm;
using System.Runtime.Intrinsics.X86;

namespace MoCoSharp.Data.Kernels;

/// <summary>(x / 255 - mean) / std of each channel in vector lanes, rounded like two divisions.</summary>
/// <remarks>
/// A division by a constant is a multiplication by its reciprocal and one correction (Markstein 1990). For rare
/// constants it rounds differently from a division. So the constructor tries all 256 values of each channel, and the
/// table is used if one differs.
/// </remarks>
internal sealed class NormalizeLanes
{
    private const int Pattern = 48; // lanes after which the channels repeat, for every width

    private readonly int[] _mean = new int[Pattern]; // bits of float32, red, green, blue, red, ...
    private readonly int[] _std = new int[Pattern];
    private readonly int[] _reciprocal = new int[Pattern];
    private readonly bool _isExact = Fma.IsSupported || AdvSimd.IsSupported;

    /// <summary>Compares the lanes with the scalar results.</summary>
    /// <param name="mean">Mean of the channels.</param>
    /// <param name="std">Standard deviation of the channels.</param>
    /// <param name="table">The scalar result of each value. Shape [3, 256].</param>
    public NormalizeLanes(ReadOnlySpan<float> mean, ReadOnlySpan<float> std, ReadOnlySpan<float> table)
    {
        for (var i = 0; i < Pattern; i++)
        {
            _mean[i] = BitConverter.SingleToInt32Bits(mean[i % 3]);
            _std[i] = BitConverter.SingleToInt32Bits(-std[i % 3]);
            _reciprocal[i] = BitConverter.SingleToInt32Bits(1 / std[i % 3]);
        }

        for (var i = 0; i < table.Length && _isExact; i++)
        {
            var (value, channel) = ((float)(i % 256), i / 256);
            var part = Divide(value, 1 / 255f, -255f);
            var normal = Divide(part - mean[channel], 1 / std[channel], -std[channel]);
            _isExact = BitConverter.SingleToInt32Bits(normal) == BitConverter.SingleToInt32Bits(table[i]);
        }
    }

    /// <summary>Normalizes whole patterns of lanes.</summary>
    /// <returns>Values done, a multiple of 3. The table does the rest.</returns>
    public int Apply(ReadOnlySpan<byte> pixels, Span<float> floats, VectorWidth width) => !_isExact ? 0 : width switch
    {
        VectorWidth.Bits512 => Apply<Lanes512>(pixels, floats),
        VectorWidth.Bits256 => Apply<Lanes256>(pixels, floats),
        VectorWidth.Bits128 => Apply<Lanes128>(pixels, floats),
        _ => 0,
    };

    private static float Divide(float value, float reciprocal, float minusDivisor)
    {
        var quotient = value * reciprocal;
        return MathF.FusedMultiplyAdd(MathF.FusedMultiplyAdd(quotient, minusDivisor, value), reciprocal, quotient);
    }

    private int Apply<T>(ReadOnlySpan<byte> pixels, Span<float> floats)
        where T : struct, ILanes<T>
    {
        ref var from = ref MemoryMarshal.GetReference(pixels);
        ref var to = ref MemoryMarshal.GetReference(floats);
        var at = 0;
        var (mean0, mean1, mean2) = (
            T.LoadInts(in _mean[0]),
            T.LoadInts(in _mean[T.Count]),
            T.LoadInts(in _mean[2 * T.Count]));
        var (std0, std1, std2) =
            (T.LoadInts(in _std[0]), T.LoadInts(in _std[T.Count]), T.LoadInts(in _std[2 * T.Count]));
        var (times0, times1, times2) = (
            T.LoadInts(in _reciprocal[0]),
            T.LoadInts(in _reciprocal[T.Count]),
            T.LoadInts(in _reciprocal[2 * T.Count]));
        for (; at <= Math.Min(pixels.Length, floats.Length) - (3 * T.Count); at += 3 * T.Count)
        {
            One(ref from, ref to, at, mean0, std0, times0);
            One(ref from, ref to, at + T.Count, mean1, std1, times1);
            One(ref from, ref to, at + (2 * T.Count), mean2, std2, times2);
        }

        return at;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void One<T>(ref byte from, ref float to, int at, T mean, T minusStd, T reciprocal)
        where T : struct, ILanes<T>
    {
        var value = T.ToF(T.LoadBytes(in Unsafe.Add(ref from, at)));
        var part = Divide(value, T.OfF(1 / 255f), T.OfF(-255f));
        Divide(T.SubtractF(part, mean), reciprocal, minusStd).StoreFloats(ref Unsafe.Add(ref to, at));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static T Divide<T>(T value, T reciprocal, T minusDivisor)
        where T : struct, ILanes<T>
    {
        var quotient = T.MultiplyF(value, reciprocal);
        return T.FusedF(T.FusedF(quotient, minusDivisor, value), reciprocal, quotient);
    }
}
