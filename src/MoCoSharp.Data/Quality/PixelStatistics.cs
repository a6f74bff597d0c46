using System.Runtime.Intrinsics;
using MoCoSharp.Data.Images;

namespace MoCoSharp.Data.Quality;

/// <summary>Brightness and colors of an image.</summary>
/// <param name="Brightness">Mean luma (Rec. 601), 0 for black to 1 for white.</param>
/// <param name="ColorRange">The largest difference between two values of a color channel, 0 to 255.</param>
/// <param name="IsGray">Whether red, green and blue are equal, up to the noise of compression.</param>
internal readonly record struct PixelStatistics(double Brightness, int ColorRange, bool IsGray)
{
    /// <summary>A difference between color values that compression alone may cause.</summary>
    public const int Noise = 8;

    private const int SampledPixels = 1 << 20;
    private const int Lanes = 32; // bytes of a vector
    private const int Period = 3 * Lanes; // three vectors: each lane has one channel

    /// <summary>
    /// Computes them. Brightness and gray come from evenly spaced rows if the image has more than two million pixels.
    /// </summary>
    public static PixelStatistics Of(ImageBuffer image)
    {
        var pixels = image.AsSpan();
        var width = 3 * image.Width;
        var step = (int)Math.Max(1, (long)image.Width * image.Height / SampledPixels);
        var (sum, count, isGray) = (0L, 0L, true);
        for (var y = 0; y < image.Height; y += step)
        {
            var row = pixels.Slice(y * width, width);
            for (var x = 0; x < row.Length; x += 3)
            {
                int red = row[x], green = row[x + 1], blue = row[x + 2];
                sum += (299 * red) + (587 * green) + (114 * blue);
                isGray &= Math.Abs(red - green) <= Noise && Math.Abs(green - blue) <= Noise;
            }

            count += image.Width;
        }

        return new PixelStatistics(sum / (1000.0 * 255 * count), Range(pixels), isGray);
    }

    private static int Range(ReadOnlySpan<byte> pixels)
    {
        var (white, black) = (Vector256<byte>.AllBitsSet, Vector256<byte>.Zero);
        Span<Vector256<byte>> low = [white, white, white];
        Span<Vector256<byte>> high = [black, black, black];
        var i = 0;
        for (; i + Period <= pixels.Length; i += Period)
        {
            for (var part = 0; part < 3; part++)
            {
                var some = Vector256.Create(pixels.Slice(i + (part * Lanes), Lanes));
                low[part] = Vector256.Min(low[part], some);
                high[part] = Vector256.Max(high[part], some);
            }
        }

        Span<int> lowest = [255, 255, 255];
        Span<int> highest = [0, 0, 0];
        for (var lane = 0; i > 0 && lane < Period; lane++)
        {
            lowest[lane % 3] = Math.Min(lowest[lane % 3], low[lane / Lanes][lane % Lanes]);
            highest[lane % 3] = Math.Max(highest[lane % 3], high[lane / Lanes][lane % Lanes]);
        }

        for (; i < pixels.Length; i++)
        {
            lowest[i % 3] = Math.Min(lowest[i % 3], pixels[i]);
            highest[i % 3] = Math.Max(highest[i % 3], pixels[i]);
        }

        return Math.Max(highest[0] - lowest[0], Math.Max(highest[1] - lowest[1], highest[2] - lowest[2]));
    }
}
