using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace MoCoSharp.Data.Kernels;

/// <summary>Reverses a row of RGB pixels.</summary>
internal static class RowMirror
{
    // Five pixels in reverse order, after one byte that the next five overwrite.
    private static Vector128<byte> Reversed =>
        Vector128.Create((byte)255, 12, 13, 14, 9, 10, 11, 6, 7, 8, 3, 4, 5, 0, 1, 2);

    /// <summary>Copies a row in reverse order of pixels.</summary>
    /// <param name="row">RGB.</param>
    /// <param name="into">The copy, of the same length. It must not overlap the row.</param>
    /// <param name="width">Whether vectors may be used.</param>
    public static void Copy(ReadOnlySpan<byte> row, Span<byte> into, VectorWidth width)
    {
        var at = 0;
        if (width != VectorWidth.Scalar)
        {
            ref var from = ref MemoryMarshal.GetReference(row);
            ref var to = ref MemoryMarshal.GetReference(into);
            for (; at <= row.Length - 16; at += 15)
            {
                Vector128
                    .Shuffle(Vector128.LoadUnsafe(ref from, (nuint)at), Reversed)
                    .StoreUnsafe(ref to, (nuint)(row.Length - at - 16));
            }
        }

        for (; at < row.Length; at += 3)
        {
            row.Slice(at, 3).CopyTo(into[(row.Length - at - 3)..]);
        }
    }
}
