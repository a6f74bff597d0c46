using System.Buffers;
using System.Runtime.Intrinsics.X86;
using MoCoSharp.Data.Kernels;

namespace MoCoSharp.Data.Views;

/// <summary>PIL's antialiased bilinear resize of 8-bit images, to the bit.</summary>
/// <remarks>
/// libImaging/Resample.c: a triangle filter as wide as the scale (at least one pixel on each side), weights in fixed
/// point. The horizontal pass comes first and is rounded to 8 bits, then the vertical one. Here the rows of the first
/// pass are kept only while the second needs them, so that they stay in the L1 cache.
/// </remarks>
internal static class Resampling
{
    // 8 bits for the value and 2 for overflow, as PIL's PRECISION_BITS.
    private const int PrecisionBits = 32 - 8 - 2;
    private const int Half = 1 << (PrecisionBits - 1);

    /// <summary>Resizes a region of an image.</summary>
    /// <param name="source">RGB, from the first pixel of the region on.</param>
    /// <param name="stride">Bytes from one row of the source to the next.</param>
    /// <param name="width">Width of the region, in pixels.</param>
    /// <param name="height">Height of the region, in pixels.</param>
    /// <param name="destination">RGB without gaps. Length newHeight x newWidth x 3.</param>
    /// <param name="newWidth">New width in pixels, above 0.</param>
    /// <param name="newHeight">New height in pixels, above 0.</param>
    /// <param name="vectors">The vector width.</param>
    public static void Resize(
        ReadOnlySpan<byte> source, int stride, int width, int height, Span<byte> destination, int newWidth,
        int newHeight, VectorWidth vectors)
    {
        var rowBytes = 3 * newWidth;
        if (width == newWidth && height == newHeight)
        {
            for (var y = 0; y < height; y++)
            {
                source.Slice(y * stride, rowBytes).CopyTo(destination[(y * rowBytes)..]);
            }
        }
        else if (width == newWidth)
        {
            using var taps = new Taps(height, newHeight);
            for (var y = 0; y < newHeight; y++)
            {
                taps.Of(y, out var first);
                WeighRows(
                    source[(first * stride)..], stride, 0, taps.Of(y, out _), int.MaxValue,
                    destination.Slice(y * rowBytes, rowBytes), vectors);
            }
        }
        else if (height == newHeight)
        {
            using var taps = new Taps(width, newWidth);
            using var lanes = taps.ForLanes(vectors);
            for (var y = 0; y < height; y++)
            {
                WeighColumns(
                    source[(y * stride)..], width, taps, lanes, destination.Slice(y * rowBytes, rowBytes), vectors);
            }
        }
        else
        {
            Both(source, stride, width, height, destination, newWidth, newHeight, vectors);
        }
    }

    private static void Both(
        ReadOnlySpan<byte> source, int stride, int width, int height, Span<byte> destination, int newWidth,
        int newHeight, VectorWidth vectors)
    {
        using var columns = new Taps(width, newWidth);
        using var lanes = columns.ForLanes(vectors);
        using var rows = new Taps(height, newHeight);
        var rowBytes = 3 * newWidth;
        var held = rows.Most;
        var ring = ArrayPool<byte>.Shared.Rent(held * rowBytes);
        var done = 0; // rows of the first pass
        for (var y = 0; y < newHeight; y++)
        {
            var weights = rows.Of(y, out var first);
            for (done = Math.Max(done, first); done < first + weights.Length; done++)
            {
                WeighColumns(
                    source[(done * stride)..], width, columns, lanes, ring.AsSpan(done % held * rowBytes, rowBytes),
                    vectors);
            }

            WeighRows(ring, rowBytes, first, weights, held, destination.Slice(y * rowBytes, rowBytes), vectors);
        }

        ArrayPool<byte>.Shared.Return(ring);
    }

    private static void WeighColumns(
        ReadOnlySpan<byte> row, int width, in Taps taps, in LaneTaps lanes, Span<byte> into, VectorWidth vectors)
    {
        // The lanes read some bytes after their pixels, so they do not run at the very end of the image.
        var x = lanes.Taps == 0 ? 0
            : lanes.FitWindow
                ? ResampleLanes.ColumnsByPermutation(
                    row, into, lanes.Starts, lanes.Places, lanes.Weights, lanes.Taps, Half, PrecisionBits)
            : row.Length > 3 * width
                ? ResampleLanes.Columns(
                    row, into, lanes.Starts, lanes.Weights, lanes.Taps, Half, PrecisionBits, vectors)
            : 0;
        for (; x < into.Length / 3; x++)
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

    private static void WeighRows(
        ReadOnlySpan<byte> rows, int stride, int first, ReadOnlySpan<int> weights, int held, Span<byte> into,
        VectorWidth vectors)
    {
        for (
            var x = ResampleLanes.Rows(rows, stride, first, held, weights, into, Half, PrecisionBits, vectors);
            x < into.Length;
            x++)
        {
            var sum = Half;
            for (var i = 0; i < weights.Length; i++)
            {
                sum += rows[((first + i) % held * stride) + x] * weights[i];
            }

            into[x] = Clip(sum);
        }
    }

    private static byte Clip(int sum) => (byte)Math.Clamp(sum >> PrecisionBits, 0, 255);

    /// <summary>For each output position: the first input position, and the fixed-point weights from there.</summary>
    private readonly struct Taps : IDisposable
    {
        private readonly int _size, _newSize, _room;
        private readonly int[] _ranges;
        private readonly int[] _weights;

        public Taps(int size, int newSize)
        {
            _size = size;
            _newSize = newSize;
            var scale = (double)size / newSize;
            var support = Math.Max(scale, 1.0);
            var perPixel = 1.0 / support;
            _room = ((int)Math.Ceiling(support) * 2) + 1;
            _ranges = ArrayPool<int>.Shared.Rent(newSize * 2);
            _weights = ArrayPool<int>.Shared.Rent(checked(newSize * _room));
            var triangle = ArrayPool<double>.Shared.Rent(_room);
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
                    _weights[(x * _room) + i] = (int)(0.5 + (triangle[i] / sum * (1 << PrecisionBits)));
                }

                _ranges[x * 2] = first;
                _ranges[(x * 2) + 1] = count;
                Most = Math.Max(Most, count);
            }

            ArrayPool<double>.Shared.Return(triangle);
        }

        /// <summary>Largest number of taps of any position.</summary>
        public int Most { get; }

        public ReadOnlySpan<int> Of(int position, out int first)
        {
            first = _ranges[position * 2];
            return _weights.AsSpan(position * _room, _ranges[(position * 2) + 1]);
        }

        /// <summary>
        /// The same weights in the layout of the lanes; none if vectors are not used, or the row is shorter than the
        /// taps.
        /// </summary>
        public LaneTaps ForLanes(VectorWidth vectors)
        {
            var lanes = (int)vectors / 32;
            if (lanes == 0 || Most > _size)
            {
                return default;
            }

            var together = lanes / 4; // new pixels per vector
            var groups = _newSize / together;
            var starts = ArrayPool<int>.Shared.Rent(_newSize);
            var spread = ArrayPool<int>.Shared.Rent(checked(groups * Most * lanes));
            spread.AsSpan(0, groups * Most * lanes).Clear();
            for (var x = 0; x < groups * together; x++)
            {
                var own = Of(x, out var first);
                var start = Math.Min(first, _size - Most); // missing taps come before the others, with weight 0
                starts[x] = 3 * start;
                var at = (x / together * Most * lanes) + (x % together * 4) + ((first - start) * lanes);
                foreach (var weight in own)
                {
                    spread.AsSpan(at, 4).Fill(weight);
                    at += lanes;
                }
            }

            var places =
                Avx512Vbmi.IsSupported && vectors == VectorWidth.Bits512
                    ? Places(starts.AsSpan(0, groups * together))
                    : null;
            return new LaneTaps(Most, starts, groups * together, spread, groups * Most * lanes, places);
        }

        // Offset of each lane's first tap in the 64 bytes from the start of its group; null if one lies outside.
        private int[]? Places(ReadOnlySpan<int> starts)
        {
            var places = ArrayPool<int>.Shared.Rent(4 * starts.Length);
            for (var x = 0; x < starts.Length; x++)
            {
                var place = starts[x] - starts[x & ~3];
                if (place + (3 * (Most - 1)) + 4 > ResampleLanes.Window)
                {
                    ArrayPool<int>.Shared.Return(places);
                    return null;
                }

                for (var channel = 0; channel < 4; channel++)
                {
                    places[(4 * x) + channel] = place + channel;
                }
            }

            return places;
        }

        public void Dispose()
        {
            ArrayPool<int>.Shared.Return(_ranges);
            ArrayPool<int>.Shared.Return(_weights);
        }
    }

    private readonly struct LaneTaps(int taps, int[] starts, int positions, int[] weights, int length, int[]? places)
        : IDisposable
    {
        public int Taps => taps;

        public ReadOnlySpan<int> Starts => starts.AsSpan(0, positions);

        public ReadOnlySpan<int> Weights => weights.AsSpan(0, length);

        /// <summary>Whether <see cref="Places"/> exist: one load holds the taps of every group.</summary>
        public bool FitWindow => places is not null;

        public ReadOnlySpan<int> Places => places.AsSpan(0, 4 * positions);

        public void Dispose()
        {
            if (taps > 0)
            {
                ArrayPool<int>.Shared.Return(starts);
                ArrayPool<int>.Shared.Return(weights);
                if (places is not null)
                {
                    ArrayPool<int>.Shared.Return(places);
                }
            }
        }
    }
}
