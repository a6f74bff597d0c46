using MoCoSharp.Data.Images;
using static System.FormattableString;

namespace MoCoSharp.Data.Views;

/// <summary>Resizes the shorter side to a given length. The longer side keeps the ratio, rounded down.</summary>
/// <param name="shortSide">Length in pixels, above 0.</param>
/// <remarks>torchvision's Resize(int) on PIL images: antialiased bilinear.</remarks>
public sealed class Resize(int shortSide) : IViewOperation
{
    // 200 MB in RGB. Only an extremely thin image exceeds it.
    private const long MostPixels = 1 << 26;

    /// <summary>Length of the shorter side, in pixels.</summary>
    public int ShortSide { get; } = shortSide;

    /// <summary>Resizes. An image of this size stays as it is.</summary>
    /// <exception cref="BrokenImageException">
    /// The image is so thin that the resized one would be too large.
    /// </exception>
    public void Apply(ViewCanvas canvas)
    {
        ArgumentNullException.ThrowIfNull(canvas);
        var (width, height) = (canvas.Width, canvas.Height);
        var (newWidth, newHeight) = width <= height
            ? (ShortSide, Long(height, width))
            : (Long(width, height), ShortSide);
        if ((newWidth, newHeight) == (width, height))
        {
            return;
        }

        if ((long)newWidth * newHeight > MostPixels)
        {
            throw new BrokenImageException(
                $"An image of {width} x {height} is too thin: resized to a short side of {ShortSide} it has " +
                $"{newWidth} x {newHeight} pixels.");
        }

        Resampling.Resize(
            canvas.Pixels, width * 3, width, height, canvas.Spare(newWidth, newHeight), newWidth, newHeight,
            canvas.Vectors);
        canvas.Swap(newWidth, newHeight);
    }

    /// <inheritdoc/>
    public void Apply(ViewCanvas canvas, ref SampleRandom random) => Apply(canvas);

    /// <inheritdoc/>
    public string Describe() => Invariant($"resize the shorter side to {ShortSide}");

    // The product is exact, and the quotient is rounded once, as in Python.
    private int Long(int longSide, int shorter) =>
        (int)Math.Min((double)((long)ShortSide * longSide) / shorter, int.MaxValue);
}
