using System.Buffers;

namespace MoCoSharp.Data.Views;

/// <summary>PIL's antialiased bilinear resize of 8-bit images, to the bit.</summary>
/// <remarks>
/// libImaging/Resample.c: a triangle as wide as the scale (at least one pixel each side), weights in fixed point,
/// the horizontal pass first and rounded to 8 bits, then the vertical one.
/// </remarks>
internal static class Resampling
{
    // 8 bits of value and 2 of headroom, as PIL's PRECISION_BITS.
    private const int PrecisionBits = 32 - 8 - 2;
    private const int Half = 1 << (PrecisionBits - 1);

    /// <summary>Resizes a region of an image.</summary>
    /// <param name="source">RGB, from the region's first pixel on.</param>
    /// <param name="stride">Bytes from one row of the source to the next.</param>
    /// <param name="width">Of the region, in pixels.</param>
    /// <param name="height">Of the region, in pixels.</param>
    /// <param name="destination">RGB without gaps. Length newHeight x newWidth x 3.</param>
    /// <param name="newWidth">In pixels, above 0.</param>
    /// <param name="newHeight">In pixels, above 0.</param>
    public static void Resize(ReadOnlySpan<byte> source, int stride, int width, int height, Span<byte> destination, int newWidth, int newHeight)
    {
        if (width == newWidth)
        {
            ResizeRows(source, stride, height, destination, newWidth * 3, newHeight);
            return;
        }

        if (height == newHeight)
        {
            ResizeColumns(source, stride, width, height, destination, newWidth);
            return;
        }

        var middle = ArrayPool<byte>.Shared.Rent(newWidth * height * 3);
        ResizeColumns(source, stride, width, height, middle, newWidth);
        ResizeRows(middle, newWidth * 3, height, destination, newWidth * 3, newHeight);
        ArrayPool<byte>.Shared.Return(middle);
    }

    private static void ResizeColumns(ReadOnlySpan<byte> source, int stride, int width, int height, Span<byte> destination, int newWidth)
    {
        using var taps = new Taps(width, newWidth);
        for (var y = 0; y < height; y++)
        {
            var row = source.Slice(y * stride, width * 3);
            var into = destination.Slice(y * newWidth * 3, newWidth * 3);
            for (var x = 0; x < newWidth; x++)
            {
                var weights = taps.Of(x, out var first);
                var pixels = row.Slice(first * 3, weights.Length * 3);
                int red = Half, green = Half, blue = Half;
                for (var i = 0; i < weights.Length; i++)
                {
                    var weight = weights[i];
                    red += pixels[i * 3] * weight;
                    green += pixels[(i * 3) + 1] * weight;
                    blue += pixels[(i * 3) + 2] * weight;
                }

                into[x * 3] = Clip(red);
                into[(x * 3) + 1] = Clip(green);
                into[(x * 3) + 2] = Clip(blue);
            }
        }
    }

    private static void ResizeRows(ReadOnlySpan<byte> source, int stride, int height, Span<byte> destination, int rowBytes, int newHeight)
    {
        if (height == newHeight)
        {
            for (var y = 0; y < height; y++)
            {
                source.Slice(y * stride, rowBytes).CopyTo(destination[(y * rowBytes)..]);
            }

            return;
        }

        using var taps = new Taps(height, newHeight);
        var rented = ArrayPool<int>.Shared.Rent(rowBytes);
        var sums = rented.AsSpan(0, rowBytes);
        for (var y = 0; y < newHeight; y++)
        {
            sums.Fill(Half);
            var weights = taps.Of(y, out var first);
            for (var i = 0; i < weights.Length; i++)
            {
                var weight = weights[i];
                var row = source.Slice((first + i) * stride, rowBytes);
                for (var x = 0; x < row.Length && x < sums.Length; x++)
                {
                    sums[x] += row[x] * weight;
                }
            }

            var into = destination.Slice(y * rowBytes, rowBytes);
            for (var x = 0; x < into.Length && x < sums.Length; x++)
            {
                into[x] = Clip(sums[x]);
            }
        }

        ArrayPool<int>.Shared.Return(rented);
    }

    private static byte Clip(int sum) => (byte)Math.Clamp(sum >> PrecisionBits, 0, 255);

    /// <summary>For each output position: the first input position and the fixed-point weights from there on.</summary>
    private readonly struct Taps : IDisposable
    {
        private readonly int most;
        private readonly int[] ranges;
        private readonly int[] weights;

        public Taps(int size, int newSize)
        {
            var scale = (double)size / newSize;
            var support = Math.Max(scale, 1.0);
            var perPixel = 1.0 / support;
            most = ((int)Math.Ceiling(support) * 2) + 1;
            ranges = ArrayPool<int>.Shared.Rent(newSize * 2);
            weights = ArrayPool<int>.Shared.Rent(checked(newSize * most));
            var triangle = ArrayPool<double>.Shared.Rent(most);
            for (var x = 0; x < newSize; x++)
            {
                var center = (x + 0.5) * scale;
                var first = Math.Max((int)(center - support + 0.5), 0);
                var count = Math.Min((int)(center + support + 0.5), size) - first;
                var sum = 0.0;
                for (var i = 0; i < count; i++)
                {
                    triangle[i] = Math.Max(1.0 - Math.Abs((i + first - center + 0.5) * perPixel), 0.0);
                    sum += triangle[i];
                }

                for (var i = 0; i < count; i++)
                {
                    weights[(x * most) + i] = (int)(0.5 + (triangle[i] / sum * (1 << PrecisionBits)));
                }

                ranges[x * 2] = first;
                ranges[(x * 2) + 1] = count;
            }

            ArrayPool<double>.Shared.Return(triangle);
        }

        public ReadOnlySpan<int> Of(int position, out int first)
        {
            first = ranges[position * 2];
            return weights.AsSpan(position * most, ranges[(position * 2) + 1]);
        }

        public void Dispose()
        {
            ArrayPool<int>.Shared.Return(ranges);
            ArrayPool<int>.Shared.Return(weights);
        }
    }
}
