using static System.FormattableString;

namespace MoCoSharp.Data.Views;

/// <summary>Crops the central square. A smaller image is padded with black.</summary>
/// <param name="size">Side in pixels, above 0.</param>
/// <remarks>torchvision's CenterCrop, with its rounding.</remarks>
public sealed class CenterCrop(int size) : IViewOperation
{
    /// <summary>Crops and pads. An image of this size stays as it is.</summary>
    public void Apply(ViewCanvas canvas)
    {
        ArgumentNullException.ThrowIfNull(canvas);
        if (canvas.Width == size && canvas.Height == size)
        {
            return;
        }

        var (top, firstRow, rows) = Range(canvas.Height);
        var (left, firstColumn, columns) = Range(canvas.Width);
        var into = canvas.Spare(size, size);
        into.Clear();
        for (var y = 0; y < rows; y++)
        {
            var row = canvas.Pixels.Slice((((firstRow + y) * canvas.Width) + firstColumn) * 3, columns * 3);
            row.CopyTo(into[((((top + y) * size) + left) * 3)..]);
        }

        canvas.Swap(size, size);
    }

    /// <inheritdoc/>
    public void Apply(ViewCanvas canvas, ref SampleRandom random) => Apply(canvas);

    /// <inheritdoc/>
    public string Describe() => Invariant($"center crop to {size} x {size}");

    // Padding before, first position used, number of positions used. Halves are rounded to even, as Python's round
    // does.
    private (int Padding, int First, int Count) Range(int length) => length < size
        ? ((size - length) / 2, 0, length)
        : (0, (int)Math.Round((length - size) / 2.0), size);
}
