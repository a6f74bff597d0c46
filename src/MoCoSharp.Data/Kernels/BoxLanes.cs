using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace MoCoSharp.Data.Kernels;

/// <summary>
/// One pass of PIL's extended box blur as a weighted sum of neighbours in lanes; the scalar twin keeps a running sum.
/// </summary>
internal static class BoxLanes
{
    /// <summary>Filters bytes by their neighbours <paramref name="step"/> bytes apart.</summary>
    /// <param name="from">
    /// The first byte's own place; (radius + 1) x step bytes before it and behind the last are read.
    /// </param>
    /// <param name="into">As many as are wanted.</param>
    /// <param name="step">Bytes between neighbours.</param>
    /// <param name="radius">Whole neighbours each side.</param>
    /// <param name="weight">Of a whole neighbour, in 1 / 2^24.</param>
    /// <param name="farWeight">Of the ones beyond, in 1 / 2^24.</param>
    /// <param name="width">How much to do at once.</param>
    /// <returns>Bytes done; the rest is for the scalar twin.</returns>
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

    /// <summary>Filters a row by the rows above and below, whose first bytes lie at <paramref name="rows"/>.</summary>
    /// <param name="image">Where the offsets count from.</param>
    /// <param name="rows">Offsets of 2 radius + 3 rows, from the top; those beyond the edge repeat it.</param>
    /// <param name="into">The new row.</param>
    /// <param name="weight">Of a whole neighbour, in 1 / 2^24.</param>
    /// <param name="farWeight">Of the first and last row, in 1 / 2^24.</param>
    /// <param name="width">How much to do at once.</param>
    /// <returns>Bytes done; the rest is for the scalar twin.</returns>
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
            // Two thirds of MoCo v2's blurs: sigma below the square root of 2.
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

    // All weights together are at most 2^24, so that the sum stays below 2^32, where the lanes wrap.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static T Round<T>(T sum, T far, uint weight, uint farWeight)
        where T : struct, ILanes<T> =>
        ((sum * T.Of((int)weight)) + ((far * T.Of((int)farWeight)) + T.Of(1 << 23))) >>> 24;
}
