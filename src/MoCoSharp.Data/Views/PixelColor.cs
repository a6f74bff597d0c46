using MoCoSharp.Data.Kernels;

namespace MoCoSharp.Data.Views;

/// <summary>
/// PIL's color arithmetic on 8-bit RGB, to the bit: it computes in float32 and truncates after each operation.
/// </summary>
/// <remarks>
/// Each operation works on whole vectors first. Its scalar version, written like PIL's C, does the rest.
/// </remarks>
internal static class PixelColor
{
    // For each 8-bit hue: its sixth of the circle, and the position within the sixth.
    private static readonly (int Sector, float Fraction)[] Sectors = [.. Enumerable.Range(0, 256).Select(Sector)];

    /// <summary>Luma by ITU-R 601-2, as in PIL's convert("L").</summary>
    public static byte Luma(byte red, byte green, byte blue) =>
        (byte)(((red * 19595) + (green * 38470) + (blue * 7471) + 0x8000) >> 16);

    /// <summary>Blends each value with black: brightness.</summary>
    public static void Brightness(Span<byte> pixels, double factor, VectorWidth width) =>
        Blend(pixels, 0, factor, width);

    /// <summary>Blends each value with the mean luma of the whole image, an integer: contrast.</summary>
    public static void Contrast(Span<byte> pixels, double factor, VectorWidth width) =>
        Blend(pixels, Mean(LumaSum(pixels, width), pixels.Length / 3), factor, width);

    /// <summary>The sum of the luma values of all pixels.</summary>
    public static long LumaSum(ReadOnlySpan<byte> pixels, VectorWidth width)
    {
        var (done, sum) = LumaLanes.Sum(pixels, width);
        for (var i = done; i + 2 < pixels.Length; i += 3)
        {
            sum += Luma(pixels[i], pixels[i + 1], pixels[i + 2]);
        }

        return sum;
    }

    /// <summary>The mean luma, as PIL's contrast computes it.</summary>
    public static int Mean(long sum, int count) => (int)(((double)sum / count) + 0.5);

    /// <summary>Blends each value with one gray.</summary>
    public static void Blend(Span<byte> pixels, int degenerate, double factor, VectorWidth width)
    {
        var alpha = (float)factor;
        var rest = pixels[PixelPass.ChangeBytes(pixels, new BlendChange(degenerate, alpha), width)..];
        for (var i = 0; i < rest.Length; i++)
        {
            rest[i] = Blend(degenerate, rest[i], alpha);
        }
    }

    /// <summary>Blends each pixel with its luma: saturation.</summary>
    public static void Saturation(Span<byte> pixels, double factor, VectorWidth width)
    {
        var alpha = (float)factor;
        for (var i = PixelPass.Change(pixels, new SaturationChange(alpha), width); i + 2 < pixels.Length; i += 3)
        {
            var luma = Luma(pixels[i], pixels[i + 1], pixels[i + 2]);
            pixels[i] = Blend(luma, pixels[i], alpha);
            pixels[i + 1] = Blend(luma, pixels[i + 1], alpha);
            pixels[i + 2] = Blend(luma, pixels[i + 2], alpha);
        }
    }

    /// <summary>Sets all three channels to the luma.</summary>
    public static void Gray(Span<byte> pixels, VectorWidth width)
    {
        for (var i = PixelPass.Change(pixels, default(GrayChange), width); i + 2 < pixels.Length; i += 3)
        {
            pixels.Slice(i, 3).Fill(Luma(pixels[i], pixels[i + 1], pixels[i + 2]));
        }
    }

    /// <summary>Rotates the hue in 8-bit HSV.</summary>
    /// <param name="pixels">RGB.</param>
    /// <param name="turns">Part of the circle, -0.5 to 0.5.</param>
    /// <param name="width">The vector width.</param>
    public static void Hue(Span<byte> pixels, double turns, VectorWidth width)
    {
        var shift = unchecked((byte)(int)(turns * 255)); // truncated toward 0, then modulo 256, as np.uint8 does
        for (var i = PixelPass.Change(pixels, new HueChange(shift), width); i + 2 < pixels.Length; i += 3)
        {
            ref var red = ref pixels[i];
            ref var green = ref pixels[i + 1];
            ref var blue = ref pixels[i + 2];
            ToHueSaturation(red, green, blue, out var hue, out var saturation, out var value);
            ToRgb((byte)(hue + shift), saturation, value, out red, out green, out blue);
        }
    }

    // Image.blend(degenerate, image, factor). Clipping changes nothing for factors in 0 to 1.
    private static byte Blend(int degenerate, int value, float factor)
    {
        var blended = degenerate + (factor * (value - degenerate));
        return blended <= 0 ? (byte)0 : blended >= 255 ? (byte)255 : (byte)blended;
    }

    // libImaging/Convert.c, rgb2hsv_row: float and double are mixed as C promotes them.
    private static void ToHueSaturation(
        byte red, byte green, byte blue, out byte hue, out byte saturation, out byte value)
    {
        value = Math.Max(red, Math.Max(green, blue));
        var least = Math.Min(red, Math.Min(green, blue));
        if (least == value)
        {
            hue = saturation = 0;
            return;
        }

        float chroma = value - least;
        var redDistance = (value - red) / chroma;
        var greenDistance = (value - green) / chroma;
        var blueDistance = (value - blue) / chroma;
        var sixths = red == value ? blueDistance - greenDistance
            : green == value ? (float)(2.0 + redDistance - blueDistance)
            : (float)(4.0 + greenDistance - redDistance);
        var turns = (sixths / 6.0) + 1.0; // 5/6 to 2
        hue = (byte)((float)(turns >= 1.0 ? turns - 1.0 : turns) * 255.0);
        saturation = (byte)(chroma / value * 255.0);
    }

    // libImaging/Convert.c, hsv2rgb.
    private static void ToRgb(byte hue, byte saturation, byte value, out byte red, out byte green, out byte blue)
    {
        if (saturation == 0)
        {
            red = green = blue = value;
            return;
        }

        var (sector, fraction) = Sectors[hue];
        var share = (float)(saturation / 255.0);
        var low = Round(value * (1.0 - share));
        var falling = Round(value * (1.0 - (share * fraction)));
        var rising = Round(value * (1.0 - (share * (1.0 - fraction))));
        (red, green, blue) = sector switch
        {
            0 => (value, rising, low),
            1 => (falling, value, low),
            2 => (low, value, rising),
            3 => (low, falling, value),
            4 => (rising, low, value),
            _ => (value, low, falling),
        };
    }

    // C's round for numbers of 0 or more: halves go up.
    private static byte Round(double value)
    {
        var floor = (int)value;
        return (byte)(value - floor >= 0.5 ? floor + 1 : floor);
    }

    private static (int Sector, float Fraction) Sector(int hue)
    {
        var sixths = hue * 6.0 / 255.0;
        var sector = (int)Math.Floor(sixths);
        return (sector % 6, (float)(sixths - sector));
    }
}
