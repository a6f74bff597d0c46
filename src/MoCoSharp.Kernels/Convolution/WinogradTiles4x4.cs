using System.Numerics;
using System.Runtime.CompilerServices;
using TorchSharp;
using static TorchSharp.torch;

namespace MoCoSharp.Kernels;

/// <summary>
/// The transforms of a 3x3 convolution by Winograd's F(4x4, 3x3) (Lavin and Gray, "Fast Algorithms for Convolutional
/// Neural Networks", arXiv 1509.09308, section 4.3), in float32: squares of 4 x 4 pixels of the output, of 6 x 6 of the
/// input, and kernels of 6 x 6. Images of any size: squares may reach over the edge.
/// </summary>
/// <remarks>Vectors of 256 bits, and of 128 on processors without them.</remarks>
internal readonly unsafe struct WinogradTiles4x4 : IWinogradTiles
{
    private const int Side = 6;
    private const int Pixels = 4;

    /// <inheritdoc/>
    public static int Places => Side * Side;

    /// <inheritdoc/>
    public static int Square => Pixels;

    /// <inheritdoc/>
    public static void OfInput(Tensor images, Tensor tiles) => OfImages(images, tiles, &Input);

    /// <inheritdoc/>
    public static void OfOutputGradient(Tensor gradient, Tensor tiles) =>
        OfImages(gradient, tiles, &OutputGradient);

    /// <inheritdoc/>
    public static void ToOutput(Tensor tiles, Tensor output)
    {
        using var scope = NewDisposeScope();
        fixed (byte* from = tiles.bytes, to = output.permute(0, 2, 3, 1).bytes)
        {
            var pass = new Pass(output, (float*)to, (float*)from, tiles.shape[1] * output.shape[1]);
            TorchParallel.For(output.shape[0] * pass.Down, &Output, &pass);
        }
    }

    /// <inheritdoc/>
    public static void OfKernel(Tensor kernel, bool turned, Tensor tiles)
    {
        using var scope = NewDisposeScope();
        var values = kernel.permute(0, 2, 3, 1).contiguous(); // [O, 3, 3, I]
        fixed (byte* from = values.bytes, to = tiles.bytes)
        {
            var pass = new Pass(kernel, (float*)from, (float*)to, kernel.shape[0] * kernel.shape[1]);
            TorchParallel.For(kernel.shape[0], turned ? &KernelTurned : &Kernel, &pass);
        }
    }

    /// <inheritdoc/>
    public static Tensor ToWeightGradient(Tensor tiles)
    {
        using var scope = NewDisposeScope();
        var values = empty(tiles.shape[1], 3, 3, tiles.shape[2], dtype: float32).permute(0, 3, 1, 2);
        fixed (byte* from = tiles.bytes, to = values.permute(0, 2, 3, 1).bytes)
        {
            var pass = new Pass(values, (float*)to, (float*)from, tiles.shape[1] * tiles.shape[2]);
            TorchParallel.For(tiles.shape[1], &WeightGradient, &pass);
        }

        return values.MoveToOuterDisposeScope();
    }

    private static void OfImages(Tensor images, Tensor tiles, delegate*<long, Pass*, void> work)
    {
        using var scope = NewDisposeScope();
        var pixels = images.permute(0, 2, 3, 1).contiguous(); // [N, H, W, C]
        fixed (byte* from = pixels.bytes, to = tiles.bytes)
        {
            var pass = new Pass(images, (float*)from, (float*)to, tiles.shape[1] * images.shape[1]);
            TorchParallel.For(images.shape[0] * IWinogradTiles.Along(images.shape[2], Pixels), work, &pass);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Input(long row, Pass* pass)
    {
        var square = stackalloc Vector<float>[Side * Side];
        var (image, down) = Math.DivRem(row, pass->Down);
        for (long across = 0; across < pass->Across; across++)
        {
            var to = pass->Tiles + (((row * pass->Across) + across) * pass->Size);
            var (y, x) = ((Pixels * down) - 1, (Pixels * across) - 1);
            for (long channel = 0; channel < pass->Size; channel += Vector<float>.Count)
            {
                for (var column = 0; column < Side; column++)
                {
                    InputOf(
                        pass->Pixel(image, y, x + column, channel), pass->Pixel(image, y + 1, x + column, channel),
                        pass->Pixel(image, y + 2, x + column, channel), pass->Pixel(image, y + 3, x + column, channel),
                        pass->Pixel(image, y + 4, x + column, channel), pass->Pixel(image, y + 5, x + column, channel),
                        square + column, Side);
                }

                for (var line = 0; line < Side; line++)
                {
                    var d = square + (line * Side);
                    InputOf(d[0], d[1], d[2], d[3], d[4], d[5], d, 1);
                }

                Write(square, Side * Side, to + channel, pass->Plane);
            }
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void OutputGradient(long row, Pass* pass)
    {
        var square = stackalloc Vector<float>[Side * Side];
        var (image, down) = Math.DivRem(row, pass->Down);
        for (long across = 0; across < pass->Across; across++)
        {
            var to = pass->Tiles + (((row * pass->Across) + across) * pass->Size);
            var (y, x) = (Pixels * down, Pixels * across);
            for (long channel = 0; channel < pass->Size; channel += Vector<float>.Count)
            {
                for (var column = 0; column < Pixels; column++)
                {
                    GradientOf(
                        pass->Pixel(image, y, x + column, channel), pass->Pixel(image, y + 1, x + column, channel),
                        pass->Pixel(image, y + 2, x + column, channel), pass->Pixel(image, y + 3, x + column, channel),
                        square + column, Side);
                }

                for (var line = 0; line < Side; line++)
                {
                    var d = square + (line * Side);
                    GradientOf(d[0], d[1], d[2], d[3], d, 1);
                }

                Write(square, Side * Side, to + channel, pass->Plane);
            }
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Output(long row, Pass* pass)
    {
        var square = stackalloc Vector<float>[Side * Side];
        var (image, down) = Math.DivRem(row, pass->Down);
        for (long across = 0; across < pass->Across; across++)
        {
            var from = pass->Tiles + (((row * pass->Across) + across) * pass->Size);
            var (y, x) = (Pixels * down, Pixels * across);
            for (long channel = 0; channel < pass->Size; channel += Vector<float>.Count)
            {
                for (var column = 0; column < Side; column++)
                {
                    var m = from + channel + (column * pass->Plane);
                    var apart = Side * pass->Plane;
                    OutputOf(
                        Vector.Load(m), Vector.Load(m + apart), Vector.Load(m + (2 * apart)),
                        Vector.Load(m + (3 * apart)), Vector.Load(m + (4 * apart)), Vector.Load(m + (5 * apart)),
                        square + column, Side);
                }

                for (var line = 0; line < Pixels && y + line < pass->Height; line++)
                {
                    var d = square + (line * Side);
                    OutputOf(d[0], d[1], d[2], d[3], d[4], d[5], d, 1);
                    var to = pass->At(image, y + line, x, channel);
                    for (var column = 0; column < Pixels && x + column < pass->Width; column++)
                    {
                        d[column].Store(to + (column * pass->Size));
                    }
                }
            }
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Kernel(long output, Pass* pass) => Kernel(output, pass, turned: false);

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void KernelTurned(long output, Pass* pass) => Kernel(output, pass, turned: true);

    private static void Kernel(long output, Pass* pass, bool turned)
    {
        var square = stackalloc Vector<float>[Side * Side];
        var first = pass->Images + (output * 9 * pass->Size);
        var begin = turned ? first + (8 * pass->Size) : first;
        var right = turned ? -pass->Size : pass->Size;
        for (long channel = 0; channel < pass->Size; channel += Vector<float>.Count)
        {
            for (var column = 0; column < 3; column++)
            {
                var g = begin + channel + (column * right);
                KernelOf(
                    Vector.Load(g), Vector.Load(g + (3 * right)), Vector.Load(g + (6 * right)), square + column, Side);
            }

            for (var line = 0; line < Side; line++)
            {
                var d = square + (line * Side);
                KernelOf(d[0], d[1], d[2], d, 1);
            }

            Write(square, Side * Side, pass->Tiles + (output * pass->Size) + channel, pass->Plane);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void WeightGradient(long output, Pass* pass)
    {
        var square = stackalloc Vector<float>[Side * Side];
        for (long channel = 0; channel < pass->Size; channel += Vector<float>.Count)
        {
            for (var column = 0; column < Side; column++)
            {
                var u = pass->Tiles + (output * pass->Size) + channel + (column * pass->Plane);
                var apart = Side * pass->Plane;
                WeightGradientOf(
                    Vector.Load(u), Vector.Load(u + apart), Vector.Load(u + (2 * apart)),
                    Vector.Load(u + (3 * apart)), Vector.Load(u + (4 * apart)), Vector.Load(u + (5 * apart)),
                    square + column, Side);
            }

            var to = pass->Images + (output * 9 * pass->Size) + channel;
            for (var line = 0; line < 3; line++)
            {
                var d = square + (line * Side);
                WeightGradientOf(d[0], d[1], d[2], d[3], d[4], d[5], d, 1);
                Write(d, 3, to + (line * 3 * pass->Size), pass->Size);
            }
        }
    }

    // Bᵀ.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void InputOf(
        Vector<float> d0, Vector<float> d1, Vector<float> d2, Vector<float> d3, Vector<float> d4, Vector<float> d5,
        Vector<float>* to, int apart)
    {
        var (even, odd) = (d4 - (d2 * 4), d3 - (d1 * 4));
        var (evens, odds) = (d4 - d2, (d3 - d1) * 2);
        to[0] = (d0 * 4) - (d2 * 5) + d4;
        to[apart] = even + odd;
        to[2 * apart] = even - odd;
        to[3 * apart] = evens + odds;
        to[4 * apart] = evens - odds;
        to[5 * apart] = (d1 * 4) - (d3 * 5) + d5;
    }

    // Aᵀ.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void OutputOf(
        Vector<float> m0, Vector<float> m1, Vector<float> m2, Vector<float> m3, Vector<float> m4, Vector<float> m5,
        Vector<float>* to, int apart)
    {
        var (sum, difference) = (m1 + m2, m1 - m2);
        var (outerSum, outerDifference) = (m3 + m4, m3 - m4);
        to[0] = m0 + sum + outerSum;
        to[apart] = difference + (outerDifference * 2);
        to[2 * apart] = sum + (outerSum * 4);
        to[3 * apart] = difference + (outerDifference * 8) + m5;
    }

    // A.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void GradientOf(
        Vector<float> y0, Vector<float> y1, Vector<float> y2, Vector<float> y3, Vector<float>* to, int apart)
    {
        var (even, odd) = (y0 + y2, y1 + y3);
        var (evens, odds) = (y0 + (y2 * 4), (y1 * 2) + (y3 * 8));
        to[0] = y0;
        to[apart] = even + odd;
        to[2 * apart] = even - odd;
        to[3 * apart] = evens + odds;
        to[4 * apart] = evens - odds;
        to[5 * apart] = y3;
    }

    // G.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void KernelOf(Vector<float> g0, Vector<float> g1, Vector<float> g2, Vector<float>* to, int apart)
    {
        var (outer, middle) = ((g0 + g2) * (-1f / 6), g1 * (1f / 6));
        var (outers, middles) = ((g0 * (1f / 24)) + (g2 * (1f / 6)), g1 * (1f / 12));
        to[0] = g0 * 0.25f;
        to[apart] = outer - middle;
        to[2 * apart] = outer + middle;
        to[3 * apart] = outers + middles;
        to[4 * apart] = outers - middles;
        to[5 * apart] = g2;
    }

    // Gᵀ.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void WeightGradientOf(
        Vector<float> u0, Vector<float> u1, Vector<float> u2, Vector<float> u3, Vector<float> u4, Vector<float> u5,
        Vector<float>* to, int apart)
    {
        var (sum, outerSum) = ((u1 + u2) * (1f / 6), u3 + u4);
        to[0] = (u0 * 0.25f) - sum + (outerSum * (1f / 24));
        to[apart] = ((u2 - u1) * (1f / 6)) + ((u3 - u4) * (1f / 12));
        to[2 * apart] = (outerSum * (1f / 6)) - sum + u5;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Write(Vector<float>* values, int count, float* to, long apart)
    {
        for (var i = 0; i < count; i++)
        {
            values[i].Store(to + (i * apart));
        }
    }

    private readonly struct Pass(Tensor images, float* pixels, float* tiles, long plane)
    {
        public readonly float* Images = pixels; // or kernels: [N, H, W, C]
        public readonly float* Tiles = tiles;
        public readonly long Plane = plane; // values of a place
        public readonly long Size = images.shape[1]; // channels
        public readonly long Height = images.shape[2];
        public readonly long Width = images.shape[3];
        public readonly long Down = IWinogradTiles.Along(images.shape[2], Pixels);
        public readonly long Across = IWinogradTiles.Along(images.shape[3], Pixels);

        public float* At(long image, long y, long x, long channel) =>
            Images + (((((image * Height) + y) * Width) + x) * Size) + channel;

        // 0 outside the image.
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public Vector<float> Pixel(long image, long y, long x, long channel) =>
            (ulong)y < (ulong)Height && (ulong)x < (ulong)Width
                ? Vector.Load(At(image, y, x, channel))
                : Vector<float>.Zero;
    }
}
