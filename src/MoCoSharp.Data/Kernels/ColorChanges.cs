using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace MoCoSharp.Data.Kernels;

/// <summary>PIL's luma in vector lanes. The scalar version is PixelColor.Luma.</summary>
internal static class LumaLanes
{
    // A sum of 2^20 luma values stays below 2^28 in any lane.
    private const int PixelsAtOnce = 1 << 20;

    /// <summary>ITU-R 601-2 in 16-bit fixed point.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static T Of<T>(T pixels)
        where T : struct, ILanes<T>
    {
        var low = T.Of(0xFF);
        return (
                (((pixels & low) * T.Of(19595)) + (((pixels >>> 8) & low) * T.Of(38470)))
                + ((((pixels >>> 16) & low) * T.Of(7471)) + T.Of(0x8000))
            ) >>> 16;
    }

    /// <summary>The sum of the luma values of whole vectors of pixels.</summary>
    /// <returns>Bytes done, and the sum. The scalar version does the rest.</returns>
    public static (int Done, long Sum) Sum(ReadOnlySpan<byte> pixels, VectorWidth width) => width switch
    {
        VectorWidth.Bits512 => Sum<Lanes512>(pixels),
        VectorWidth.Bits256 => Sum<Lanes256>(pixels),
        VectorWidth.Bits128 => Sum<Lanes128>(pixels),
        _ => (0, 0),
    };

    private static (int Done, long Sum) Sum<T>(ReadOnlySpan<byte> pixels)
        where T : struct, ILanes<T>
    {
        ref var first = ref MemoryMarshal.GetReference(pixels);
        var last = pixels.Length - T.PixelReach;
        long sum = 0;
        var at = 0;
        while (at <= last)
        {
            var lanes = T.Of(0);
            for (var end = Math.Min((long)last, at + PixelsAtOnce); at <= end; at += 3 * T.Count)
            {
                lanes += Of(T.LoadPixels(in Unsafe.Add(ref first, at)));
            }

            sum += T.Sum(lanes);
        }

        return (at, sum);
    }
}

/// <summary>Replaces red, green and blue by the luma.</summary>
internal readonly struct GrayChange : IPixelChange
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public T Apply<T>(T pixels)
        where T : struct, ILanes<T> => LumaLanes.Of(pixels) * T.Of(0x010101);
}

/// <summary>Image.blend with one value for all pixels: black for brightness, the mean luma for contrast.</summary>
internal readonly struct BlendChange(int degenerate, float factor) : IByteChange
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public T Apply<T>(T bytes)
        where T : struct, ILanes<T> => Blend(T.OfF(degenerate), T.ToF(bytes - T.Of(degenerate)), T.OfF(factor));

    // degenerate + factor * (value - degenerate), clamped to 0 and 255, then truncated.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static T Blend<T>(T degenerate, T difference, T factor)
        where T : struct, ILanes<T> =>
        T.Cut(T.MinF(T.MaxF(T.AddF(degenerate, T.MultiplyF(factor, difference)), T.OfF(0)), T.OfF(255)));
}

/// <summary>Image.blend with the luma of each pixel.</summary>
internal readonly struct SaturationChange(float factor) : IPixelChange
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public T Apply<T>(T pixels)
        where T : struct, ILanes<T>
    {
        var low = T.Of(0xFF);
        var luma = LumaLanes.Of(pixels);
        var degenerate = T.ToF(luma);
        var alpha = T.OfF(factor);
        var red = BlendChange.Blend(degenerate, T.ToF((pixels & low) - luma), alpha);
        var green = BlendChange.Blend(degenerate, T.ToF(((pixels >>> 8) & low) - luma), alpha);
        var blue = BlendChange.Blend(degenerate, T.ToF(((pixels >>> 16) & low) - luma), alpha);
        return red | (green << 8) | (blue << 16);
    }
}

/// <summary>Rotates the hue in PIL's 8-bit HSV.</summary>
/// <remarks>
/// To HSV: PIL divides in float32 and truncates. With max - mid = d and max - min = c, its sixths of the circle are K +
/// d / c or K - d / c with an integer K, and the rounding here is the same. To RGB: the share of white that PIL rounds
/// is value x (255 x 85 - saturation x w) / (255 x 85). w goes from 0 to 85 with the distance between the hue and that
/// of the channel. No such number is closer to a half than float32's error, so rounding in float32 is exact. The tests
/// check all 2^24 colors.
/// </remarks>
internal readonly struct HueChange(byte shift) : IPixelChange
{
    private const int Whole = 255 * 85;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public T Apply<T>(T pixels)
        where T : struct, ILanes<T>
    {
        var low = T.Of(0xFF);
        var red = pixels & low;
        var green = (pixels >>> 8) & low;
        var blue = (pixels >>> 16) & low;
        var value = T.Max(red, T.Max(green, blue));
        var least = T.Min(red, T.Min(green, blue));
        var middle = red + green + blue - value - least;
        var chroma = T.ToF(value - least);
        var one = T.OfF(1);
        var share = T.DivideF(T.ToF(value - middle), T.MaxF(chroma, one)); // d / c

        // Sixths of the circle, by the largest and the smallest channel.
        var redMost = T.Equal(red, value);
        var greenMost = T.Equal(green, value);
        var greenBelowBlue = T.Less(green, blue);
        var redBelowBlue = T.Less(red, blue);
        var redBelowGreen = T.Less(red, green);
        var offset = T.Choose(
            redMost,
            T.Choose(greenBelowBlue, T.OfF(-1), one),
            T.Choose(greenMost, T.Choose(redBelowBlue, T.OfF(3), one), T.Choose(redBelowGreen, T.OfF(3), T.OfF(5))));
        var adds = T.Choose(redMost, greenBelowBlue, T.Choose(greenMost, T.Of(-1) - redBelowBlue, redBelowGreen));
        var sixths = T.AddF(offset, T.Choose(adds, share, T.SubtractF(T.OfF(0), share)));
        var turns = T.DivideF(sixths, T.OfF(6));
        var below = T.Less(sixths, T.Of(0)); // the sign bit, of a float as of an integer
        turns = T.Choose(below, T.AddF(one, turns), turns);
        var hue = (T.Cut(T.MultiplyF(turns, T.OfF(255))) + T.Of(shift)) & low;
        var saturation = T.Cut(T.MultiplyF(T.DivideF(chroma, T.MaxF(T.ToF(value), one)), T.OfF(255)));

        var place = hue << 1; // in 1 / 510 of the circle; a sixth is 85
        var zero = T.Of(0);
        var sixth = T.Of(85);
        var newRed = Shade(value, saturation, T.Min(T.Max(T.Of(170) - T.Abs(place - T.Of(255)), zero), sixth));
        var newGreen = Shade(value, saturation, T.Min(T.Max(T.Abs(place - T.Of(170)) - sixth, zero), sixth));
        var newBlue = Shade(value, saturation, T.Min(T.Max(T.Abs(place - T.Of(340)) - sixth, zero), sixth));
        return newRed | (newGreen << 8) | (newBlue << 16);
    }

    // value x (Whole - saturation x distance) / Whole, rounded. The product is below 2^23.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static T Shade<T>(T value, T saturation, T distance)
        where T : struct, ILanes<T> =>
        T.Cut(
            T.AddF(T.MultiplyF(T.ToF(value * (T.Of(Whole) - (saturation * distance))), T.OfF(1f / Whole)), T.OfF(0.5f))
        );
}
