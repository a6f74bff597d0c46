using static System.FormattableString;

namespace MoCoSharp.Data.Views;

/// <summary>Resizes so that the shorter side has a given length; the longer one follows, rounded down.</summary>
/// <param name="shortSide">In pixels, above 0.</param>
/// <remarks>torchvision's Resize(int) on PIL images: antialiased bilinear.</remarks>
public sealed class Resize(int shortSide) : IViewOperation
{
    /// <summary>Resizes; an image that has the size already stays as it is.</summary>
    public void Apply(ViewCanvas canvas)
    {
        ArgumentNullException.ThrowIfNull(canvas);
        var (width, height) = (canvas.Width, canvas.Height);
        var (newWidth, newHeight) = width <= height
            ? (shortSide, Long(height, width))
            : (Long(width, height), shortSide);
        if ((newWidth, newHeight) == (width, height))
        {
            return;
        }

        Resampling.Resize(canvas.Pixels, width * 3, width, height, canvas.Spare(newWidth, newHeight), newWidth, newHeight);
        canvas.Swap(newWidth, newHeight);
    }

    /// <inheritdoc/>
    public void Apply(ViewCanvas canvas, ref SampleRandom random) => Apply(canvas);

    /// <inheritdoc/>
    public string Describe() => Invariant($"resize the shorter side to {shortSide}");

    // The product is exact and the quotient is rounded once, as in Python.
    private int Long(int longSide, int shorter) => checked((int)((double)((long)shortSide * longSide) / shorter));
}
