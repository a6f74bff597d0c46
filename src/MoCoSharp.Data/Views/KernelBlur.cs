using System.Buffers;
using System.Numerics;
using System.Runtime.InteropServices;
using static System.FormattableString;

namespace MoCoSharp.Data.Views;

/// <summary>
/// SimCLR's blur: a Gaussian truncated at the edge of a kernel, of a random amount, with a probability.
/// </summary>
/// <param name="kernel">Width of the kernel in pixels, odd. SimCLR uses a tenth of the image's side.</param>
/// <param name="sigmaMin">Smallest standard deviation in pixels, above 0.</param>
/// <param name="sigmaMax">Largest standard deviation in pixels.</param>
/// <param name="probability">Probability of the blur, 0 to 1.</param>
/// <remarks>
/// Chen et al. 2020, <see href="https://arxiv.org/abs/2002.05709"/>, appendix A. Edges are mirrored, as in
/// torchvision's GaussianBlur. Google's code pads with black, which darkens the edges. Rounded to 8 bits once, at the
/// end.
/// </remarks>
internal sealed class KernelBlur(int kernel, double sigmaMin, double sigmaMax, double probability) : IViewOperation
{
    private readonly int _radius =
        kernel > 0 && kernel % 2 == 1
            ? kernel / 2
            : throw new ArgumentOutOfRangeException(nameof(kernel), kernel, "A kernel has an odd number of pixels.");

    /// <summary>
    /// The kernel width for an image size: a tenth of the side, rounded to the odd number above its even part.
    /// </summary>
    /// <param name="size">Side of the image in pixels.</param>
    public static int KernelOf(int size) => (2 * (size / 10 / 2)) + 1;

    /// <summary>Draws sigma, even if the blur is not applied.</summary>
    public GaussianBlurDraw Draw(ref SampleRandom random) =>
        new(random.NextDouble() < probability, random.NextDouble(sigmaMin, sigmaMax));

    /// <summary>Blurs along the rows, then along the columns.</summary>
    public void Apply(ViewCanvas canvas, GaussianBlurDraw draw)
    {
        ArgumentNullException.ThrowIfNull(canvas);
        if (!draw.Applied || _radius == 0)
        {
            return;
        }

        var (width, height) = (canvas.Width, canvas.Height);
        var row = 3 * width;
        Span<float> weights = stackalloc float[(2 * _radius) + 1]; // 409 for the largest view
        Weigh(weights, _radius, draw.Sigma);
        var padded = ArrayPool<float>.Shared.Rent(row + (6 * _radius));
        var blurred = ArrayPool<float>.Shared.Rent(row * height);
        var sum = ArrayPool<float>.Shared.Rent(row);
        var from = canvas.UnmirroredPixels; // a symmetric kernel gives the same result
        for (var y = 0; y < height; y++)
        {
            for (var x = -_radius; x < width + _radius; x++)
            {
                var pixel = from.Slice((y * row) + (3 * Mirrored(x, width)), 3);
                (padded[3 * (x + _radius)], padded[(3 * (x + _radius)) + 1], padded[(3 * (x + _radius)) + 2]) = (
                    pixel[0],
                    pixel[1],
                    pixel[2]);
            }

            var into = blurred.AsSpan(y * row, row);
            into.Clear();
            for (var tap = 0; tap < weights.Length; tap++)
            {
                AddScaled(into, padded.AsSpan(3 * tap, row), weights[tap]);
            }
        }

        var target = canvas.Spare(width, height);
        for (var y = 0; y < height; y++)
        {
            var into = sum.AsSpan(0, row);
            into.Clear();
            for (var tap = 0; tap < weights.Length; tap++)
            {
                AddScaled(into, blurred.AsSpan(Mirrored(y + tap - _radius, height) * row, row), weights[tap]);
            }

            for (var i = 0; i < row; i++)
            {
                target[(y * row) + i] = (byte)Math.Clamp(into[i] + 0.5f, 0f, 255f);
            }
        }

        canvas.Swap(width, height);
        ArrayPool<float>.Shared.Return(padded);
        ArrayPool<float>.Shared.Return(blurred);
        ArrayPool<float>.Shared.Return(sum);
    }

    /// <inheritdoc/>
    public void Apply(ViewCanvas canvas, ref SampleRandom random) => Apply(canvas, Draw(ref random));

    /// <inheritdoc/>
    public string Describe() =>
        Invariant($"Gaussian blur, kernel {kernel}, sigma {sigmaMin} to {sigmaMax}, probability {probability}");

    // A Gaussian, normalized to the sum 1.
    private static void Weigh(Span<float> weights, int radius, double sigma)
    {
        double Raw(int x) => Math.Exp(-x * x / (2 * sigma * sigma));
        var total = 0.0;
        for (var x = -radius; x <= radius; x++)
        {
            total += Raw(x);
        }

        for (var i = 0; i < weights.Length; i++)
        {
            weights[i] = (float)(Raw(i - radius) / total);
        }
    }

    // Element by element, so that the vector width changes no bit.
    private static void AddScaled(Span<float> sum, ReadOnlySpan<float> values, float weight)
    {
        var wide = MemoryMarshal.Cast<float, Vector<float>>(sum);
        var many = MemoryMarshal.Cast<float, Vector<float>>(values);
        for (var i = 0; i < wide.Length; i++)
        {
            wide[i] += many[i] * weight;
        }

        for (var i = wide.Length * Vector<float>.Count; i < sum.Length; i++)
        {
            sum[i] += values[i] * weight;
        }
    }

    // -1 becomes 1, and size becomes size - 2; repeated if an image is smaller than the kernel.
    private static int Mirrored(int i, int size)
    {
        if (size == 1)
        {
            return 0;
        }

        var period = 2 * (size - 1);
        var place = ((i % period) + period) % period;
        return place < size ? place : period - place;
    }
}
