using MoCoSharp.Data.Loading;
using MoCoSharp.Data.Views;
using TorchSharp;
using static TorchSharp.torch;

namespace MoCoSharp.Features;

/// <summary>Features that need no learning: the pixels of a view, and the histogram of its colors.</summary>
internal static class PixelFeatures
{
    /// <summary>Number of colors of the histogram: 8 x 8 x 8.</summary>
    public const int Colors = 512;

    /// <summary>The side of the image in <see cref="Pixels"/>: at most that of the view.</summary>
    public static int Side(ViewTransform view, int most) => Math.Min(view.Size, most);

    /// <summary>
    /// The view for <see cref="Histogram"/>: pixels of the image, sampled without averaging. A resized view mixes
    /// colors, and the mixture tells how fine the structures are, which is not color.
    /// </summary>
    /// <param name="view">The evaluation view, whose size, orientation and normalization are kept.</param>
    public static ViewTransform ColorView(ViewTransform view) =>
        new(view.Size, [new NearestSquare(view.Size)], view.Normalize)
        {
            AppliesOrientation = view.AppliesOrientation,
        };

    /// <summary>The pixels of each view, averaged over areas, minus the mean of the image.</summary>
    /// <param name="batch">Normalized views.</param>
    /// <param name="normalize">How they were normalized; it is undone.</param>
    /// <param name="side">Side of the smaller image, 1 to that of the view.</param>
    /// <returns>On a scale of 0 to 1 before the mean is subtracted. Shape [N, side x side x 3].</returns>
    public static Tensor Pixels(ViewBatch batch, Normalize normalize, int side) =>
        Rows(batch, side * side * 3, (view, row) =>
        {
            for (var y = 0; y < side; y++)
            {
                for (var x = 0; x < side; x++)
                {
                    Average(view, batch.Size, normalize, (x, y, side), row.Slice(((y * side) + x) * 3, 3));
                }
            }
        });

    /// <summary>
    /// The number of pixels of each color of 8 x 8 x 8 equal parts of the RGB cube, minus the mean over the colors.
    /// </summary>
    /// <param name="batch">Normalized views, made by <see cref="ColorView"/>.</param>
    /// <param name="normalize">How they were normalized; it is undone.</param>
    /// <returns>Shape [N, 512].</returns>
    public static Tensor Histogram(ViewBatch batch, Normalize normalize) => Rows(batch, Colors, (view, row) =>
    {
        for (var i = 0; i < view.Length; i += 3)
        {
            var (red, green, blue) = (
                normalize.Invert(view[i], 0), normalize.Invert(view[i + 1], 1), normalize.Invert(view[i + 2], 2));
            row[((red >> 5) * 64) + ((green >> 5) * 8) + (blue >> 5)]++;
        }
    });

    private delegate void WriteRow(ReadOnlySpan<float> view, Span<float> row);

    private static Tensor Rows(ViewBatch batch, int width, WriteRow write)
    {
        var length = batch.Size * batch.Size * 3;
        var rows = new float[batch.Count * width];
        var parallel = new ParallelOptions { MaxDegreeOfParallelism = get_num_threads() };
        Parallel.For(0, batch.Count, parallel, i =>
        {
            var row = rows.AsSpan(i * width, width);
            write(batch.Query.AsSpan(i * length, length), row);
            SubtractMean(row);
        });
        return tensor(rows, [batch.Count, width]);
    }

    // The windows of PyTorch's adaptive_avg_pool2d: from floor(i S / side) to ceil((i + 1) S / side).
    private static void Average(
        ReadOnlySpan<float> view, int size, Normalize normalize, (int X, int Y, int Side) cell, Span<float> color)
    {
        var (left, right) = (cell.X * size / cell.Side, (((cell.X + 1) * size) + cell.Side - 1) / cell.Side);
        var (top, bottom) = (cell.Y * size / cell.Side, (((cell.Y + 1) * size) + cell.Side - 1) / cell.Side);
        for (var y = top; y < bottom; y++)
        {
            for (var i = ((y * size) + left) * 3; i < ((y * size) + right) * 3; i++)
            {
                color[i % 3] += view[i];
            }
        }

        var area = (right - left) * (bottom - top);
        for (var channel = 0; channel < 3; channel++)
        {
            color[channel] = (color[channel] / area * normalize.Std[channel]) + normalize.Mean[channel];
        }
    }

    private static void SubtractMean(Span<float> row)
    {
        var sum = 0.0;
        foreach (var value in row)
        {
            sum += value;
        }

        var mean = (float)(sum / row.Length);
        foreach (ref var value in row)
        {
            value -= mean;
        }
    }
}
