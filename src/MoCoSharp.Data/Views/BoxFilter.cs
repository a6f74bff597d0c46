using System.Buffers;
using MoCoSharp.Data.Kernels;

namespace MoCoSharp.Data.Views;

/// <summary>A box filter of 2 radius + 1 whole pixels and part of a pixel at each end, as PIL's BoxBlur.</summary>
/// <param name="Radius">Whole pixels on each side.</param>
/// <param name="Weight">Weight of a whole pixel, in 1 / 2^24.</param>
/// <param name="FarWeight">Weight of the partial pixels, in 1 / 2^24.</param>
internal readonly record struct BoxFilter(int Radius, uint Weight, uint FarWeight)
{
    // Above this a running sum is faster than a sum of neighbors.
    private const int MostNeighbors = 6;

    /// <summary>The box whose repeated application has the variance of a Gaussian.</summary>
    /// <remarks>libImaging/BoxBlur.c, with its mix of float and double.</remarks>
    public static BoxFilter Of(float sigma, int passes)
    {
        var variance = sigma * sigma / passes;
        var length = (float)Math.Sqrt((12.0 * variance) + 1.0);
        var whole = (float)Math.Floor((length - 1.0) / 2.0);
        var part = ((2 * whole) + 1) * ((whole * (whole + 1)) - (3 * variance));
        part /= 6 * (variance - ((whole + 1) * (whole + 1)));
        var radius = (int)(whole + part);
        var weight = (uint)((1 << 24) / (((whole + part) * 2) + 1));
        return new BoxFilter(radius, weight, ((1u << 24) - ((uint)((radius * 2) + 1) * weight)) / 2);
    }

    /// <summary>Filters along each row, several times.</summary>
    /// <param name="source">RGB rows without gaps.</param>
    /// <param name="destination">Of the same length.</param>
    /// <param name="width">Width in pixels.</param>
    /// <param name="passes">Number of passes.</param>
    /// <param name="vectors">The vector width.</param>
    public void FilterRows(
        ReadOnlySpan<byte> source, Span<byte> destination, int width, int passes, VectorWidth vectors)
    {
        var row = 3 * width;
        var edge = 3 * (Radius + 1);
        if (vectors == VectorWidth.Scalar || Radius > MostNeighbors)
        {
            Span<uint> sums = stackalloc uint[3];
            var spare = ArrayPool<byte>.Shared.Rent(2 * row);
            for (var start = 0; start < source.Length; start += row)
            {
                var from = spare.AsSpan(0, row);
                var to = spare.AsSpan(row, row);
                source.Slice(start, row).CopyTo(from);
                for (var pass = 0; pass < passes; pass++)
                {
                    Run(from, to, width, sums);
                    var last = from;
                    from = to;
                    to = last;
                }

                from.CopyTo(destination[start..]);
            }

            ArrayPool<byte>.Shared.Return(spare);
            return;
        }

        // Two rows with room for the neighbors beyond both ends.
        var padded = row + (2 * edge);
        var buffer = ArrayPool<byte>.Shared.Rent(2 * padded);
        for (var start = 0; start < source.Length; start += row)
        {
            var from = buffer.AsSpan(0, padded);
            var to = buffer.AsSpan(padded, padded);
            source.Slice(start, row).CopyTo(from[edge..]);
            for (var pass = 0; pass < passes; pass++)
            {
                RepeatEnds(from, edge);
                var into = pass + 1 == passes ? destination.Slice(start, row) : to.Slice(edge, row);
                for (var x = BoxLanes.Along(in from[edge], into, 3, Radius, Weight, FarWeight, vectors); x < row; x++)
                {
                    into[x] = Weigh(from[x..], 3);
                }

                var last = from;
                from = to;
                to = last;
            }
        }

        ArrayPool<byte>.Shared.Return(buffer);
    }

    /// <summary>Filters along each column, once.</summary>
    /// <param name="source">Rows without gaps.</param>
    /// <param name="destination">Of the same length.</param>
    /// <param name="row">Bytes in a row.</param>
    /// <param name="vectors">The vector width.</param>
    public void FilterColumns(ReadOnlySpan<byte> source, Span<byte> destination, int row, VectorWidth vectors)
    {
        var height = source.Length / row;
        if (vectors == VectorWidth.Scalar || Radius > MostNeighbors)
        {
            var sums = ArrayPool<uint>.Shared.Rent(row);
            Run(source, destination, height, sums.AsSpan(0, row));
            ArrayPool<uint>.Shared.Return(sums);
            return;
        }

        Span<int> rows = stackalloc int[(2 * Radius) + 3];
        for (var y = 0; y < height; y++)
        {
            for (var i = 0; i < rows.Length; i++)
            {
                rows[i] = Math.Clamp(y + i - Radius - 1, 0, height - 1) * row;
            }

            var into = destination.Slice(y * row, row);
            for (var x = BoxLanes.Across(source, rows, into, Weight, FarWeight, vectors); x < row; x++)
            {
                var far = (uint)(source[rows[0] + x] + source[rows[^1] + x]);
                var sum = 0u;
                foreach (var neighbor in rows[1..^1])
                {
                    sum += source[neighbor + x];
                }

                into[x] = Round(sum, far);
            }
        }
    }

    // The scalar version. Filters a line; beyond its ends the first and last position repeat.
    // Source and destination are of shape [count, lanes], sums of [lanes].
    private void Run(ReadOnlySpan<byte> source, Span<byte> destination, int count, Span<uint> sums)
    {
        var (lanes, last) = (sums.Length, count - 1);
        sums.Clear();
        for (var position = -Radius - 1; position < Radius; position++)
        {
            var values = source.Slice(Math.Clamp(position, 0, last) * lanes, lanes);
            for (var i = 0; i < sums.Length && i < values.Length; i++)
            {
                sums[i] += values[i];
            }
        }

        for (var position = 0; position < count; position++)
        {
            var leaving = source.Slice(Math.Max(position - Radius - 1, 0) * lanes, lanes);
            var entering = source.Slice(Math.Min(position + Radius, last) * lanes, lanes);
            var beyond = source.Slice(Math.Min(position + Radius + 1, last) * lanes, lanes);
            var into = destination.Slice(position * lanes, lanes);
            for (
                var i = 0;
                i < sums.Length && i < into.Length && i < leaving.Length && i < entering.Length && i < beyond.Length;
                i++)
            {
                sums[i] += (uint)(entering[i] - leaving[i]);
                into[i] = Round(sums[i], (uint)(leaving[i] + beyond[i]));
            }
        }
    }

    // The byte (Radius + 1) steps from the span's first.
    private byte Weigh(ReadOnlySpan<byte> from, int step)
    {
        var sum = 0u;
        for (var i = 1; i <= (2 * Radius) + 1; i++)
        {
            sum += from[i * step];
        }

        return Round(sum, (uint)(from[0] + from[((2 * Radius) + 2) * step]));
    }

    private byte Round(uint sum, uint far) => (byte)(((sum * Weight) + (far * FarWeight) + (1 << 23)) >> 24);

    private static void RepeatEnds(Span<byte> row, int edge)
    {
        for (var i = edge - 1; i >= 0; i--)
        {
            row[i] = row[i + 3];
        }

        for (var i = row.Length - edge; i < row.Length; i++)
        {
            row[i] = row[i - 3];
        }
    }
}
