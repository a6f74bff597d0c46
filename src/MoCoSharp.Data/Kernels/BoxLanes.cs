using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace MoCoSharp.Data.Kernels;

/// <summary>
/// One pass of PIL's extended box blur in vector lanes, as a weighted sum of neighbors. The scalar version keeps a
/// running sum.
/// </summary>
internal static class BoxLanes
{
    /// <summary>Filters along a row: each byte by its neighbors <paramref name="step"/> bytes apart.</summary>
    /// <param name="from">
    /// The first byte. Also (radius + 1) x step bytes before it and after the last byte are read.
    /// </param>
    /// <param name="into">The filtered bytes. Its length is the number of bytes to filter.</param>
    /// <param name="step">Bytes between neighbors.</param>
    /// <param name="radius">Whole neighbors on each side.</param>
    /// <param name="weight">Weight of a whole neighbor, in 1 / 2^24.</param>
    /// <param name="farWeight">Weight of the two outermost neighbors, in 1 / 2^24.</param>
    /// <param name="width">The vector width.</param>
    /// <returns>Bytes done. The scalar version does the rest.</returns>
    public static int Along(
        ref readonly byte from, Span<byte> into, int step, int radius, uint weight, uint farWeight,
        VectorWidth width) =>
        width switch
    {
        VectorWidth.Bits512 => Along<Lanes512>(in from, into, step, radius, weight, farWeight),
        VectorWidth.Bits256 => Along<Lanes256>(in from, into, step, radius, weight, farWeight),
        VectorWidth.Bits128 => Along<Lanes128>(in from, into, step, radius, weight, farWeight),
        _ => 0,
    };

    /// <summary>Filters across rows: each row by the rows above and below.</summary>
    /// <param name="image">The start of the offsets.</param>
    /// <param name="rows">Offsets of 2 radius + 3 rows, from the top. The edge row is repeated beyond the edge.</param>
    /// <param name="into">The filtered row.</param>
    /// <param name="weight">Weight of a whole neighbor, in 1 / 2^24.</param>
    /// <param name="farWeight">Weight of the first and last row, in 1 / 2^24.</param>
    /// <param name="width">The vector width.</param>
    /// <returns>Bytes done. The scalar version does the rest.</returns>
    public static int Across(
        ReadOnlySpan<byte> image, ReadOnlySpan<int> rows, Span<byte> into, uint weight, uint farWeight,
        VectorWidth width) =>
        width switch
    {
        VectorWidth.Bits512 => Across<Lanes512>(image, rows, into, weight, farWeight),
        VectorWidth.Bits256 => Across<Lanes256>(image, rows, into, weight, farWeight),
        VectorWidth.Bits128 => Across<Lanes128>(image, rows, into, weight, farWeight),
        _ => 0,
    };

    private static int Along<T>(
        ref readonly byte from, Span<byte> into, int step, int radius, uint weight, uint farWeight)
        where T : struct, ILanes<T>
    {
        ref var first = ref Unsafe.AsRef(in from);
        ref var to = ref MemoryMarshal.GetReference(into);
        var at = 0;
        if (radius == 0)
        {
            // Two thirds of MoCo v2's blurs, with sigma below the square root of 2.
            for (; at <= into.Length - T.Count; at += T.Count)
            {
                ref var here = ref Unsafe.Add(ref first, at);
                var far = T.LoadBytes(in Unsafe.Add(ref here, -step)) + T.LoadBytes(in Unsafe.Add(ref here, step));
                Round(T.LoadBytes(in here), far, weight, farWeight).StoreBytes(ref Unsafe.Add(ref to, at));
            }
        }

        for (; at <= into.Length - T.Count; at += T.Count)
        {
            ref var here = ref Unsafe.Add(ref first, at);
            var sum = T.LoadBytes(in here);
            for (var distance = step; distance <= radius * step; distance += step)
            {
                sum += T.LoadBytes(in Unsafe.Add(ref here, -distance)) + T.LoadBytes(in Unsafe.Add(ref here, distance));
            }

            var far =
                T.LoadBytes(in Unsafe.Add(ref here, -(radius + 1) * step))
                + T.LoadBytes(in Unsafe.Add(ref here, (radius + 1) * step));
            Round(sum, far, weight, farWeight).StoreBytes(ref Unsafe.Add(ref to, at));
        }

        return at;
    }

    private static int Across<T>(
        ReadOnlySpan<byte> image, ReadOnlySpan<int> rows, Span<byte> into, uint weight, uint farWeight)
        where T : struct, ILanes<T>
    {
        ref var first = ref MemoryMarshal.GetReference(image);
        ref var to = ref MemoryMarshal.GetReference(into);
        var (above, below) = (rows[0], rows[^1]);
        var whole = rows[1..^1];
        var at = 0;
        if (whole.Length == 1)
        {
            var own = whole[0];
            for (; at <= into.Length - T.Count; at += T.Count)
            {
                ref var here = ref Unsafe.Add(ref first, at);
                var far = T.LoadBytes(in Unsafe.Add(ref here, above)) + T.LoadBytes(in Unsafe.Add(ref here, below));
                Round(T.LoadBytes(in Unsafe.Add(ref here, own)), far, weight, farWeight)
                    .StoreBytes(ref Unsafe.Add(ref to, at));
            }
        }

        for (; at <= into.Length - T.Count; at += T.Count)
        {
            ref var here = ref Unsafe.Add(ref first, at);
            var sum = T.Of(0);
            foreach (var row in whole)
            {
                sum += T.LoadBytes(in Unsafe.Add(ref here, row));
            }

            var far = T.LoadBytes(in Unsafe.Add(ref here, above)) + T.LoadBytes(in Unsafe.Add(ref here, below));
            Round(sum, far, weight, farWeight).StoreBytes(ref Unsafe.Add(ref to, at));
        }

        return at;
    }

    // The weights add up to at most 2^24, so the sum stays below 2^32 and does not overflow a lane.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static T Round<T>(T sum, T far, uint weight, uint farWeight)
        where T : struct, ILanes<T> =>
        ((sum * T.Of((int)weight)) + ((far * T.Of((int)farWeight)) + T.Of(1 << 23))) >>> 24;
}
