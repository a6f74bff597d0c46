using static System.FormattableString;

namespace MoCoSharp.Data.Views;

/// <summary>
/// Samples the central square at single pixels, without averaging. The view has the colors of the image, about as
/// often.
/// </summary>
/// <param name="size">Side of the view in pixels, above 0.</param>
internal sealed class NearestSquare(int size) : IViewOperation
{
    /// <inheritdoc/>
    public void Apply(ViewCanvas canvas, ref SampleRandom random)
    {
        ArgumentNullException.ThrowIfNull(canvas);
        var side = Math.Min(canvas.Width, canvas.Height);
        var (left, top) = ((canvas.Width - side) / 2, (canvas.Height - side) / 2);
        var from = canvas.Pixels;
        var into = canvas.Spare(size, size);
        for (var y = 0; y < size; y++)
        {
            var row = (top + Place(y)) * canvas.Width;
            for (var x = 0; x < size; x++)
            {
                from.Slice((row + left + Place(x)) * 3, 3).CopyTo(into[(((y * size) + x) * 3)..]);
            }
        }

        canvas.Swap(size, size);

        int Place(int at) => (int)(((2L * at) + 1) * side / (2L * size)); // the pixel below the center of the sample
    }

    /// <inheritdoc/>
    public string Describe() => Invariant($"the central square, sampled at {size} x {size} pixels");
}
