using System.Buffers;
using static System.FormattableString;

namespace MoCoSharp.Data.Views;

/// <summary>What one view's blur does.</summary>
/// <param name="Applied">False leaves the image as it is.</param>
/// <param name="Sigma">Standard deviation, in pixels of the view.</param>
public readonly record struct GaussianBlurDraw(bool Applied, double Sigma);

/// <summary>Blurs by a random amount, sometimes.</summary>
/// <param name="sigmaMin">Least standard deviation in pixels, 0 and up.</param>
/// <param name="sigmaMax">Greatest standard deviation in pixels.</param>
/// <param name="probability">0 to 1.</param>
/// <remarks>
/// PIL's ImageFilter.GaussianBlur to the bit: three box filters in each direction whose edges are weighted so that the
/// variance is sigma's (Gwosdek et al. 2011), in 24-bit fixed point, rounded to 8 bits after each pass.
/// </remarks>
public sealed class GaussianBlur(double sigmaMin, double sigmaMax, double probability) : IViewOperation
{
    private const int Passes = 3;

    /// <summary>Draws sigma, also where the blur is not applied.</summary>
    public GaussianBlurDraw Draw(ref SampleRandom random) => new(random.NextDouble() < probability, random.NextDouble(sigmaMin, sigmaMax));

    /// <summary>Blurs along the rows, then along the columns.</summary>
    public static void Apply(ViewCanvas canvas, GaussianBlurDraw draw)
    {
        ArgumentNullException.ThrowIfNull(canvas);
        if (!draw.Applied)
        {
            return;
        }

        var (width, height) = (canvas.Width, canvas.Height);
        var stride = width * 3;
        var box = Box.Of((float)draw.Sigma);
        var sums = ArrayPool<uint>.Shared.Rent(stride);
        for (var pass = 0; pass < Passes; pass++)
        {
            var into = canvas.Spare(width, height);
            for (var y = 0; y < height; y++)
            {
                // Pixels of a row, 3 channels each.
                box.Filter(canvas.Pixels.Slice(y * stride, stride), into.Slice(y * stride, stride), width, sums.AsSpan(0, 3));
            }

            canvas.Swap(width, height);
        }

        for (var pass = 0; pass < Passes; pass++)
        {
            // Rows of the image, all their columns at once.
            box.Filter(canvas.Pixels, canvas.Spare(width, height), height, sums.AsSpan(0, stride));
            canvas.Swap(width, height);
        }

        ArrayPool<uint>.Shared.Return(sums);
    }

    /// <inheritdoc/>
    public void Apply(ViewCanvas canvas, ref SampleRandom random) => Apply(canvas, Draw(ref random));

    /// <inheritdoc/>
    public string Describe() => Invariant($"Gaussian blur, sigma {sigmaMin} to {sigmaMax}, probability {probability}");

    /// <summary>A box filter of 2 radius + 1 whole pixels and a part of one more at each end.</summary>
    /// <param name="Radius">Whole pixels each side.</param>
    /// <param name="Weight">Of a whole pixel, in 1 / 2^24.</param>
    /// <param name="FarWeight">Of the pixel beyond, in 1 / 2^24.</param>
    private readonly record struct Box(int Radius, uint Weight, uint FarWeight)
    {
        // libImaging/BoxBlur.c; the mix of float and double is C's.
        public static Box Of(float sigma)
        {
            var variance = sigma * sigma / Passes;
            var length = (float)Math.Sqrt((12.0 * variance) + 1.0);
            var whole = (float)Math.Floor((length - 1.0) / 2.0);
            var part = ((2 * whole) + 1) * ((whole * (whole + 1)) - (3 * variance));
            part /= 6 * (variance - ((whole + 1) * (whole + 1)));
            var radius = (int)(whole + part);
            var weight = (uint)((1 << 24) / (((whole + part) * 2) + 1));
            return new Box(radius, weight, ((1u << 24) - ((uint)((radius * 2) + 1) * weight)) / 2);
        }

        /// <summary>Filters a line; beyond its ends the first and last position repeat.</summary>
        /// <param name="source">Shape [count, lanes].</param>
        /// <param name="destination">Shape [count, lanes].</param>
        /// <param name="count">Positions on the line.</param>
        /// <param name="sums">Scratch. Shape [lanes].</param>
        public void Filter(ReadOnlySpan<byte> source, Span<byte> destination, int count, Span<uint> sums)
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
                for (var i = 0; i < sums.Length && i < into.Length && i < leaving.Length && i < entering.Length && i < beyond.Length; i++)
                {
                    sums[i] += (uint)(entering[i] - leaving[i]);
                    into[i] = (byte)(((sums[i] * Weight) + ((uint)(leaving[i] + beyond[i]) * FarWeight) + (1 << 23)) >> 24);
                }
            }
        }
    }
}
