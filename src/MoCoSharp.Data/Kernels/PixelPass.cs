using System.Runtime.InteropServices;

namespace MoCoSharp.Data.Kernels;

/// <summary>A change of a pixel that does not depend on its neighbors.</summary>
internal interface IPixelChange
{
    /// <summary>Changes some pixels.</summary>
    /// <param name="pixels">One pixel per lane: red | green &lt;&lt; 8 | blue &lt;&lt; 16.</param>
    /// <returns>The same layout. The high byte of each lane is ignored.</returns>
    T Apply<T>(T pixels)
        where T : struct, ILanes<T>;
}

/// <summary>A change of a byte that does not depend on its channel.</summary>
internal interface IByteChange
{
    /// <summary>Changes some bytes.</summary>
    /// <param name="bytes">One byte per lane, 0 to 255.</param>
    /// <returns>The same layout.</returns>
    T Apply<T>(T bytes)
        where T : struct, ILanes<T>;
}

/// <summary>Applies a change to RGB pixels, one vector at a time.</summary>
internal static class PixelPass
{
    /// <summary>Changes whole vectors of pixels in place.</summary>
    /// <returns>Bytes done, a multiple of 3. The scalar version does the rest.</returns>
    public static int Change<TChange>(Span<byte> pixels, TChange change, VectorWidth width)
        where TChange : struct, IPixelChange => width switch
        {
            VectorWidth.Bits512 => Pixels<TChange, Lanes512>(pixels, change),
            VectorWidth.Bits256 => Pixels<TChange, Lanes256>(pixels, change),
            VectorWidth.Bits128 => Pixels<TChange, Lanes128>(pixels, change),
            _ => 0,
        };

    /// <summary>Changes whole vectors of bytes in place.</summary>
    /// <returns>Bytes done. The scalar version does the rest.</returns>
    public static int ChangeBytes<TChange>(Span<byte> bytes, TChange change, VectorWidth width)
        where TChange : struct, IByteChange => width switch
        {
            VectorWidth.Bits512 => Bytes<TChange, Lanes512>(bytes, change),
            VectorWidth.Bits256 => Bytes<TChange, Lanes256>(bytes, change),
            VectorWidth.Bits128 => Bytes<TChange, Lanes128>(bytes, change),
            _ => 0,
        };

    private static int Pixels<TChange, T>(Span<byte> pixels, TChange change)
        where TChange : struct, IPixelChange
        where T : struct, ILanes<T>
    {
        ref var first = ref MemoryMarshal.GetReference(pixels);
        var at = 0;
        for (; at <= pixels.Length - T.PixelReach; at += 3 * T.Count)
        {
            ref var here = ref System.Runtime.CompilerServices.Unsafe.Add(ref first, at);
            change.Apply(T.LoadPixels(in here)).StorePixels(ref here);
        }

        return at;
    }

    private static int Bytes<TChange, T>(Span<byte> bytes, TChange change)
        where TChange : struct, IByteChange
        where T : struct, ILanes<T>
    {
        ref var first = ref MemoryMarshal.GetReference(bytes);
        var at = 0;
        for (; at <= bytes.Length - T.Count; at += T.Count)
        {
            ref var here = ref System.Runtime.CompilerServices.Unsafe.Add(ref first, at);
            change.Apply(T.LoadBytes(in here)).StoreBytes(ref here);
        }

        return at;
    }
}
