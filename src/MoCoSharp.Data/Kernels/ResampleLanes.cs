using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace MoCoSharp.Data.Kernels;

/// <summary>The two passes of a resize in vector lanes. The scalar versions are in Resampling.</summary>
internal static class ResampleLanes
{
    /// <summary>Bytes that <see cref="ColumnsByPermutation"/> loads at once.</summary>
    public const int Window = 64;

    /// <summary>Resizes along a row: <see cref="ILanes{T}.Count"/> / 4 new pixels at a time.</summary>
    /// <param name="row">RGB. One byte after the last pixel is read.</param>
    /// <param name="into">RGB of the new row.</param>
    /// <param name="starts">Byte offset of each new pixel's first tap. Shape [new width].</param>
    /// <param name="weights">Each weight four times, by tap. Shape [new width x 4 / Count, taps, Count].</param>
    /// <param name="taps">Taps of every new pixel. Missing ones have weight 0.</param>
    /// <param name="half">Added before the shift, to round.</param>
    /// <param name="bits">Fraction bits of the fixed-point numbers.</param>
    /// <param name="width">The vector width.</param>
    /// <returns>New pixels done. The scalar version does the rest.</returns>
    public static int Columns(
        ReadOnlySpan<byte> row, Span<byte> into, ReadOnlySpan<int> starts, ReadOnlySpan<int> weights, int taps,
        int half, int bits,
        VectorWidth width) =>
        width switch
        {
            VectorWidth.Bits512 => Columns<Lanes512>(row, into, starts, weights, taps, half, bits),
            VectorWidth.Bits256 => Columns<Lanes256>(row, into, starts, weights, taps, half, bits),
            VectorWidth.Bits128 => Columns<Lanes128>(row, into, starts, weights, taps, half, bits),
            _ => 0,
        };

    /// <summary>
    /// As <see cref="Columns"/>, if one load holds all taps of four new pixels: AVX-512 VBMI permutes 64 bytes at once.
    /// </summary>
    /// <param name="row">RGB. Reads 64 bytes from each start; it stops before they exceed the row.</param>
    /// <param name="into">RGB of the new row.</param>
    /// <param name="starts">Byte offset of each new pixel's first tap. Shape [new width].</param>
    /// <param name="places">
    /// Offset of each lane's first tap from the start of the first pixel. Shape [new width / 4, 16].
    /// </param>
    /// <param name="weights">Each weight four times, by tap. Shape [new width / 4, taps, 16].</param>
    /// <param name="taps">Taps of every new pixel.</param>
    /// <param name="half">Added before the shift, to round.</param>
    /// <param name="bits">Fraction bits of the fixed-point numbers.</param>
    /// <returns>New pixels done.</returns>
    public static int ColumnsByPermutation(
        ReadOnlySpan<byte> row, Span<byte> into, ReadOnlySpan<int> starts, ReadOnlySpan<int> places,
        ReadOnlySpan<int> weights, int taps, int half, int bits)
    {
        ref var from = ref MemoryMarshal.GetReference(row);
        ref var to = ref MemoryMarshal.GetReference(into);
        ref var start = ref MemoryMarshal.GetReference(starts);
        ref var place = ref MemoryMarshal.GetReference(places);
        ref var weight = ref MemoryMarshal.GetReference(weights);
        var low = Vector512.Create(0xFF);
        var pixel = Vector512.Create(3);
        var lastStart = row.Length - Window;
        var x = 0;
        for (; x <= starts.Length - 4 && Unsafe.Add(ref start, x) <= lastStart; x += 4)
        {
            var window = Vector512.LoadUnsafe(ref Unsafe.Add(ref from, Unsafe.Add(ref start, x)));
            var index = Vector512.LoadUnsafe(ref place, (nuint)(4 * x));
            var sum = Vector512.Create(half);
            for (var tap = 0; tap < taps; tap++)
            {
                sum +=
                    (Avx512Vbmi.PermuteVar64x8(window, index.AsByte()).AsInt32() & low)
                    * Vector512.LoadUnsafe(ref weight);
                index += pixel;
                weight = ref Unsafe.Add(ref weight, 16);
            }

            // Weights are 0 or more, so a sum is never negative.
            new Lanes512(Vector512.Min(sum >>> bits, low)).StoreFours(ref Unsafe.Add(ref to, 3 * x));
        }

        return x;
    }

    /// <summary>Resizes across rows: as many bytes at a time as there are lanes.</summary>
    /// <param name="rows">The rows of the taps, in a ring buffer of <paramref name="modulo"/> rows.</param>
    /// <param name="stride">Bytes from one row to the next.</param>
    /// <param name="first">Number of the first tap's row.</param>
    /// <param name="modulo">Rows in the ring buffer. Row r is at r mod this number.</param>
    /// <param name="weights">One weight per tap.</param>
    /// <param name="into">The new row.</param>
    /// <param name="half">Added before the shift, to round.</param>
    /// <param name="bits">Fraction bits of the fixed-point numbers.</param>
    /// <param name="width">The vector width.</param>
    /// <returns>Bytes done. The scalar version does the rest.</returns>
    public static int Rows(
        ReadOnlySpan<byte> rows, int stride, int first, int modulo, ReadOnlySpan<int> weights, Span<byte> into,
        int half, int bits,
        VectorWidth width) =>
        width switch
        {
            VectorWidth.Bits512 => Rows<Lanes512>(rows, stride, first, modulo, weights, into, half, bits),
            VectorWidth.Bits256 => Rows<Lanes256>(rows, stride, first, modulo, weights, into, half, bits),
            VectorWidth.Bits128 => Rows<Lanes128>(rows, stride, first, modulo, weights, into, half, bits),
            _ => 0,
        };

    private static int Columns<T>(
        ReadOnlySpan<byte> row, Span<byte> into, ReadOnlySpan<int> starts, ReadOnlySpan<int> weights, int taps,
        int half, int bits)
        where T : struct, ILanes<T>
    {
        ref var from = ref MemoryMarshal.GetReference(row);
        ref var to = ref MemoryMarshal.GetReference(into);
        ref var start = ref MemoryMarshal.GetReference(starts);
        ref var weight = ref MemoryMarshal.GetReference(weights);
        var together = T.Count / 4;
        var x = 0;
        for (; x <= starts.Length - together; x += together)
        {
            var sum = T.Of(half);
            for (var tap = 0; tap < 3 * taps; tap += 3)
            {
                sum += T.LoadFours(in from, in Unsafe.Add(ref start, x), tap) * T.LoadInts(in weight);
                weight = ref Unsafe.Add(ref weight, T.Count);
            }

            // Weights are 0 or more, so a sum is never negative.
            T.Min(sum >>> bits, T.Of(255)).StoreFours(ref Unsafe.Add(ref to, 3 * x));
        }

        return x;
    }

    private static int Rows<T>(
        ReadOnlySpan<byte> rows, int stride, int first, int modulo, ReadOnlySpan<int> weights, Span<byte> into,
        int half, int bits)
        where T : struct, ILanes<T>
    {
        ref var from = ref MemoryMarshal.GetReference(rows);
        ref var to = ref MemoryMarshal.GetReference(into);
        var begin = first % modulo;
        var at = 0;
        for (; at <= into.Length - (2 * T.Count); at += 2 * T.Count)
        {
            var (sum, next) = (T.Of(half), T.Of(half));
            var row = begin;
            foreach (var weight in weights)
            {
                ref var here = ref Unsafe.Add(ref from, (row * stride) + at);
                var times = T.Of(weight);
                sum += T.LoadBytes(in here) * times;
                next += T.LoadBytes(in Unsafe.Add(ref here, T.Count)) * times;
                row = row + 1 == modulo ? 0 : row + 1;
            }

            T.Min(sum >>> bits, T.Of(255)).StoreBytes(ref Unsafe.Add(ref to, at));
            T.Min(next >>> bits, T.Of(255)).StoreBytes(ref Unsafe.Add(ref to, at + T.Count));
        }

        for (; at <= into.Length - T.Count; at += T.Count)
        {
            var sum = T.Of(half);
            var row = begin;
            foreach (var weight in weights)
            {
                sum += T.LoadBytes(in Unsafe.Add(ref from, (row * stride) + at)) * T.Of(weight);
                row = row + 1 == modulo ? 0 : row + 1;
            }

            T.Min(sum >>> bits, T.Of(255)).StoreBytes(ref Unsafe.Add(ref to, at));
        }

        return at;
    }
}
