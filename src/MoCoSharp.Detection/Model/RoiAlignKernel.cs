using System.Numerics;

namespace MoCoSharp.Detection.Model;

/// <summary>
/// ROI-Align on plain memory, channels last, on several threads. The number of threads changes no bit.
/// </summary>
/// <remarks>
/// He et al. 2017, <see href="https://arxiv.org/abs/1703.06870"/>, section 3, in the "aligned" form: the center of the
/// first pixel is at 0.5. Each of the P x P cells of a region is the mean of bilinear samples on a grid of
/// ceil(size / P) points a side. No two threads write to the same memory, so there are no atomics and a fixed order of
/// sums. Forward, a thread writes the cells of a region. Backward, it writes a range of channels of an image, and adds
/// the regions in order.
/// </remarks>
internal static unsafe class RoiAlignKernel
{
    /// <summary>A region of an image, in points of the feature map.</summary>
    public readonly record struct Region(int Image, float Left, float Top, float Width, float Height);

    /// <summary>Shape of the feature map: images x height x width x channels.</summary>
    public readonly record struct Shape(int Images, int Height, int Width, int Channels);

    /// <summary>Computes the cells of all regions.</summary>
    /// <param name="features">Feature map. Shape [N, H, W, C].</param>
    /// <param name="shape">N, H, W and C.</param>
    /// <param name="regions">R regions.</param>
    /// <param name="size">Side P of a pooled region.</param>
    /// <param name="cells">Written. Shape [R, P, P, C].</param>
    /// <param name="threads">Number of threads, above 0.</param>
    public static void Forward(float* features, Shape shape, Region[] regions, int size, float* cells, int threads) =>
        Parallel.For(0, regions.Length, new ParallelOptions { MaxDegreeOfParallelism = threads }, r =>
        {
            var image = features + ((long)regions[r].Image * shape.Height * shape.Width * shape.Channels);
            var grid = new Grid(regions[r], size, shape);
            for (var cell = 0; cell < size * size; cell++)
            {
                var sum = new Span<float>(cells + ((((long)r * size * size) + cell) * shape.Channels), shape.Channels);
                sum.Clear();
                for (var sample = 0; sample < grid.Samples; sample++)
                {
                    if (grid.At(cell / size, cell % size, sample) is { IsInside: true } point)
                    {
                        Gather(image, point, shape, sum);
                    }
                }

                Divide(sum, Math.Max(1, grid.Samples));
            }
        });

    /// <summary>Adds the gradient of each cell to the points that the cell was computed from.</summary>
    /// <param name="gradients">Gradients of the cells. Shape [R, P, P, C].</param>
    /// <param name="shape">N, H, W and C of the feature map.</param>
    /// <param name="regions">R regions.</param>
    /// <param name="size">Side P of a pooled region.</param>
    /// <param name="features">Added to. Shape [N, H, W, C].</param>
    /// <param name="threads">Number of threads, above 0.</param>
    public static void Backward(float* gradients, Shape shape, Region[] regions, int size, float* features, int threads)
    {
        var ofImage = Enumerable
            .Range(0, shape.Images)
            .Select(n => Enumerable.Range(0, regions.Length).Where(r => regions[r].Image == n).ToArray())
            .ToArray();
        var share = Math.Max(16, (shape.Channels + threads - 1) / threads);
        var parts = (shape.Channels + share - 1) / share;
        Parallel.For(0, shape.Images * parts, new ParallelOptions { MaxDegreeOfParallelism = threads }, task =>
        {
            var (n, first) = (task / parts, task % parts * share);
            var count = Math.Min(share, shape.Channels - first);
            var image = features + ((long)n * shape.Height * shape.Width * shape.Channels) + first;
            foreach (var r in ofImage[n])
            {
                var grid = new Grid(regions[r], size, shape);
                for (var cell = 0; cell < size * size; cell++)
                {
                    var gradient = new ReadOnlySpan<float>(
                        gradients + ((((long)r * size * size) + cell) * shape.Channels) + first,
                        count);
                    for (var sample = 0; sample < grid.Samples; sample++)
                    {
                        if (grid.At(cell / size, cell % size, sample) is { IsInside: true } point)
                        {
                            Scatter(image, point, shape, gradient, grid.Samples);
                        }
                    }
                }
            }
        });
    }

    private static void Gather(float* image, Point point, Shape shape, Span<float> sum)
    {
        var offsets = point.Offsets(shape);
        float* a = image + offsets.A, b = image + offsets.B, c = image + offsets.C, d = image + offsets.D;
        var (wa, wb, wc, wd) = (
            new Vector<float>(point.A), new Vector<float>(point.B), new Vector<float>(point.C),
            new Vector<float>(point.D));
        var i = 0;
        fixed (float* to = sum)
        {
            for (; i <= sum.Length - Vector<float>.Count; i += Vector<float>.Count)
            {
                var value =
                    (wa * Vector.Load(a + i))
                    + (wb * Vector.Load(b + i))
                    + (wc * Vector.Load(c + i))
                    + (wd * Vector.Load(d + i));
                (Vector.Load(to + i) + value).Store(to + i);
            }

            for (; i < sum.Length; i++)
            {
                to[i] += (point.A * a[i]) + (point.B * b[i]) + (point.C * c[i]) + (point.D * d[i]);
            }
        }
    }

    private static void Scatter(float* image, Point point, Shape shape, ReadOnlySpan<float> gradient, int samples)
    {
        var (a, b, c, d) = point.Offsets(shape);
        Add(image + a, point.A, gradient, samples);
        Add(image + b, point.B, gradient, samples);
        Add(image + c, point.C, gradient, samples);
        Add(image + d, point.D, gradient, samples);
    }

    private static void Add(float* to, float weight, ReadOnlySpan<float> gradient, int samples)
    {
        var (factor, count) = (new Vector<float>(weight), new Vector<float>(samples));
        var i = 0;
        for (; i <= gradient.Length - Vector<float>.Count; i += Vector<float>.Count)
        {
            (Vector.Load(to + i) + (new Vector<float>(gradient[i..]) * factor / count)).Store(to + i);
        }

        for (; i < gradient.Length; i++)
        {
            to[i] += gradient[i] * weight / samples;
        }
    }

    private static void Divide(Span<float> sum, int samples)
    {
        for (var i = 0; i < sum.Length; i++)
        {
            sum[i] /= samples;
        }
    }

    // The sampling points of a region.
    private readonly struct Grid
    {
        private readonly Region _region;
        private readonly Shape _shape;
        private readonly float _cellWidth;
        private readonly float _cellHeight;
        private readonly int _columns; // samples per cell, horizontally
        private readonly int _rows;

        public Grid(Region region, int size, Shape shape)
        {
            _region = region;
            _shape = shape;
            (_cellWidth, _cellHeight) = (region.Width / size, region.Height / size);
            // 0 for an empty region, whose cells are 0
            (_columns, _rows) = ((int)MathF.Ceiling(_cellWidth), (int)MathF.Ceiling(_cellHeight));
        }

        public int Samples => _columns * _rows;

        public Point At(int row, int column, int sample)
        {
            var y = _region.Top + (row * _cellHeight) + (((sample / _columns) + 0.5f) * _cellHeight / _rows);
            var x = _region.Left + (column * _cellWidth) + (((sample % _columns) + 0.5f) * _cellWidth / _columns);
            return Point.At(x, y, _shape);
        }
    }

    // A place between four points of the feature map, and the weight of each.
    private readonly record struct Point(
        bool IsInside, int Left, int Top, int Right, int Bottom, float A, float B, float C, float D)
    {
        public static Point At(float x, float y, Shape shape)
        {
            if (!(y >= -1 && y <= shape.Height && x >= -1 && x <= shape.Width))
            {
                return default;
            }

            var (left, right, fromLeft) = Between(x, shape.Width);
            var (top, bottom, fromTop) = Between(y, shape.Height);
            var (toRight, toBottom) = (1 - fromLeft, 1 - fromTop);
            return new Point(
                true, left, top, right, bottom, toBottom * toRight, toBottom * fromLeft, fromTop * toRight,
                fromTop * fromLeft);
        }

        /// <summary>Offsets of the four points from the image's first value: A and B above, C and D below.</summary>
        public (nint A, nint B, nint C, nint D) Offsets(Shape shape) => (
            (nint)((Top * shape.Width) + Left) * shape.Channels, (nint)((Top * shape.Width) + Right) * shape.Channels,
            (nint)((Bottom * shape.Width) + Left) * shape.Channels,
            (nint)((Bottom * shape.Width) + Right) * shape.Channels);

        private static (int First, int Second, float Share) Between(float place, int length)
        {
            place = MathF.Max(place, 0);
            var first = (int)place;
            return first >= length - 1 ? (length - 1, length - 1, 0) : (first, first + 1, place - first);
        }
    }
}
