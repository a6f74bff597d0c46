using static System.FormattableString;

namespace MoCoSharp.Data.Views;

/// <summary>The random parameters of one view's blur.</summary>
/// <param name="Applied">Whether the blur is applied.</param>
/// <param name="Sigma">Standard deviation, in pixels of the view.</param>
internal readonly record struct GaussianBlurDraw(bool Applied, double Sigma);

/// <summary>Blurs by a random amount, with a probability.</summary>
/// <param name="sigmaMin">Smallest standard deviation in pixels, 0 or more.</param>
/// <param name="sigmaMax">Largest standard deviation in pixels.</param>
/// <param name="probability">Probability of the blur, 0 to 1.</param>
/// <remarks>
/// Equal to PIL's ImageFilter.GaussianBlur to the bit: three box filters in each direction (Gwosdek et al. 2011). Their
/// edge weights give the variance of sigma. They are in 24-bit fixed point, rounded to 8 bits after each pass.
/// </remarks>
internal sealed class GaussianBlur(double sigmaMin, double sigmaMax, double probability) : IViewOperation
{
    private const int Passes = 3;

    /// <summary>Draws sigma, even if the blur is not applied.</summary>
    public GaussianBlurDraw Draw(ref SampleRandom random) =>
        new(random.NextDouble() < probability, random.NextDouble(sigmaMin, sigmaMax));

    /// <summary>
    /// Blurs along the rows, then along the columns. The blur of a mirrored view is the mirror of its blur.
    /// </summary>
    public static void Apply(ViewCanvas canvas, GaussianBlurDraw draw)
    {
        ArgumentNullException.ThrowIfNull(canvas);
        if (!draw.Applied)
        {
            return;
        }

        var (width, height) = (canvas.Width, canvas.Height);
        var box = BoxFilter.Of((float)draw.Sigma, Passes);
        box.FilterRows(canvas.UnmirroredPixels, canvas.Spare(width, height), width, Passes, canvas.Vectors);
        canvas.Swap(width, height);
        for (var pass = 0; pass < Passes; pass++)
        {
            box.FilterColumns(canvas.UnmirroredPixels, canvas.Spare(width, height), 3 * width, canvas.Vectors);
            canvas.Swap(width, height);
        }
    }

    /// <inheritdoc/>
    public void Apply(ViewCanvas canvas, ref SampleRandom random) => Apply(canvas, Draw(ref random));

    /// <inheritdoc/>
    public string Describe() => Invariant($"Gaussian blur, sigma {sigmaMin} to {sigmaMax}, probability {probability}");
}
