using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using TorchSharp;
using static TorchSharp.torch;

namespace MoCoSharp.Kernels;

/// <summary>
/// The transforms of a 3x3 convolution by Winograd's F(2x2, 3x3) (Lavin and Gray, "Fast Algorithms for Convolutional
/// Neural Networks", arXiv 1509.09308, section 4.1): squares of 2 x 2 pixels of the output, of 4 x 4 of the input,
/// and kernels of 4 x 4. Read and written in bfloat16, computed in float32. The sides of images are even.
/// </summary>
internal readonly unsafe struct WinogradTiles2x2 : IWinogradTiles
{
    private const int Side = 4;

    /// <inheritdoc/>
    public static int Places => Side * Side;

    /// <inheritdoc/>
    public static int Square => 2;

    /// <inheritdoc/>
    public static void OfInput(Tensor images, Tensor tiles) => OfImages(images, tiles, &Input);

    /// <inheritdoc/>
    public static void OfOutputGradient(Tensor gradient, Tensor tiles) =>
        OfImages(gradient, tiles, &OutputGradient);

    /// <inheritdoc/>
    public static void ToOutput(Tensor tiles, Tensor output)
    {
        using var scope = NewDisposeScope();
        var (count, size, height, width) = (output.shape[0], output.shape[1], output.shape[2], output.shape[3]);
        fixed (byte* from = tiles.bytes, to = output.permute(0, 2, 3, 1).bytes)
        {
            var pass = new Pass
            {
                Images = (ushort*)to,
                Tiles = (ushort*)from,
                Height = height,
                Width = width,
                Size = size,
                Plane = tiles.shape[1] * size,
            };
            TorchParallel.For(count * height / 2, &Output, &pass);
        }
    }

    /// <inheritdoc/>
    public static void OfKernel(Tensor kernel, bool turned, Tensor tiles)
    {
        using var scope = NewDisposeScope();
        var (outputs, inputs) = (kernel.shape[0], kernel.shape[1]);
        var values = kernel.permute(0, 2, 3, 1).contiguous(); // [O, 3, 3, I]
        fixed (byte* from = values.bytes, to = tiles.bytes)
        {
            var pass = new Pass
            {
                Images = (ushort*)from,
                Tiles = (ushort*)to,
                Size = inputs,
                Plane = outputs * inputs,
            };
            TorchParallel.For(outputs, turned ? &KernelTurned : &Kernel, &pass);
        }
    }

    /// <inheritdoc/>
    public static Tensor ToWeightGradient(Tensor tiles)
    {
        using var scope = NewDisposeScope();
        var (outputs, inputs) = (tiles.shape[1], tiles.shape[2]);
        var values = empty(outputs, 3, 3, inputs, dtype: bfloat16);
        fixed (byte* from = tiles.bytes, to = values.bytes)
        {
            var pass = new Pass
            {
                Images = (ushort*)to,
                Tiles = (ushort*)from,
                Size = inputs,
                Plane = outputs * inputs,
            };
            TorchParallel.For(outputs, &WeightGradient, &pass);
        }

        return values.permute(0, 3, 1, 2).MoveToOuterDisposeScope();
    }

    private static void OfImages(Tensor images, Tensor tiles, delegate*<long, Pass*, void> work)
    {
        using var scope = NewDisposeScope();
        var (count, size, height, width) = (images.shape[0], images.shape[1], images.shape[2], images.shape[3]);
        var pixels = images.permute(0, 2, 3, 1).contiguous(); // [N, H, W, C]
        fixed (byte* from = pixels.bytes, to = tiles.bytes)
        {
            var pass = new Pass
            {
                Images = (ushort*)from,
                Tiles = (ushort*)to,
                Height = height,
                Width = width,
                Size = size,
                Plane = tiles.shape[1] * size,
            };
            TorchParallel.For(count * height / 2, work, &pass);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Input(long row, Pass* pass)
    {
        var (image, y) = Math.DivRem(row, pass->Height / 2);
        for (long x = 0; x < pass->Width / 2; x++)
        {
            var tile = ((row * (pass->Width / 2)) + x) * pass->Size;
            for (long channel = 0; channel < pass->Size; channel += IFloatLanes.Count)
            {
                var a = InputOf(Column(pass, image, 2 * y, (2 * x) - 1, channel));
                var b = InputOf(Column(pass, image, 2 * y, 2 * x, channel));
                var c = InputOf(Column(pass, image, 2 * y, (2 * x) + 1, channel));
                var d = InputOf(Column(pass, image, 2 * y, (2 * x) + 2, channel));
                var to = pass->Tiles + tile + channel;
                Write(InputOf(new(a.A, b.A, c.A, d.A)), to, pass->Plane);
                Write(InputOf(new(a.B, b.B, c.B, d.B)), to + (Side * pass->Plane), pass->Plane);
                Write(InputOf(new(a.C, b.C, c.C, d.C)), to + (2 * Side * pass->Plane), pass->Plane);
                Write(InputOf(new(a.D, b.D, c.D, d.D)), to + (3 * Side * pass->Plane), pass->Plane);
            }
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void OutputGradient(long row, Pass* pass)
    {
        for (long x = 0; x < pass->Width / 2; x++)
        {
            var tile = ((row * (pass->Width / 2)) + x) * pass->Size;
            for (long channel = 0; channel < pass->Size; channel += IFloatLanes.Count)
            {
                // A row of tiles covers two rows of pixels
                var from = pass->Images + (((2 * row * pass->Width) + (2 * x)) * pass->Size) + channel;
                var (right, down) = (pass->Size, pass->Width * pass->Size);
                var a = GradientOf(Read(from), Read(from + down));
                var b = GradientOf(Read(from + right), Read(from + right + down));
                var to = pass->Tiles + tile + channel;
                Write(GradientOf(a.A, b.A), to, pass->Plane);
                Write(GradientOf(a.B, b.B), to + (Side * pass->Plane), pass->Plane);
                Write(GradientOf(a.C, b.C), to + (2 * Side * pass->Plane), pass->Plane);
                Write(GradientOf(a.D, b.D), to + (3 * Side * pass->Plane), pass->Plane);
            }
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Output(long row, Pass* pass)
    {
        for (long x = 0; x < pass->Width / 2; x++)
        {
            var tile = ((row * (pass->Width / 2)) + x) * pass->Size;
            for (long channel = 0; channel < pass->Size; channel += IFloatLanes.Count)
            {
                var from = pass->Tiles + tile + channel;
                var (upperA, lowerA) = OutputOf(PlacesDown(from, pass->Plane, 0));
                var (upperB, lowerB) = OutputOf(PlacesDown(from, pass->Plane, 1));
                var (upperC, lowerC) = OutputOf(PlacesDown(from, pass->Plane, 2));
                var (upperD, lowerD) = OutputOf(PlacesDown(from, pass->Plane, 3));
                var to = pass->Images + (((2 * row * pass->Width) + (2 * x)) * pass->Size) + channel;
                var (left, right) = OutputOf(new(upperA, upperB, upperC, upperD));
                Write(left, to);
                Write(right, to + pass->Size);
                (left, right) = OutputOf(new(lowerA, lowerB, lowerC, lowerD));
                to += pass->Width * pass->Size;
                Write(left, to);
                Write(right, to + pass->Size);
            }
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Kernel(long output, Pass* pass) => Kernel(output, pass, 0, Side - 1);

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    // Turning swaps the outer two rows of G
    private static void KernelTurned(long output, Pass* pass) => Kernel(output, pass, Side - 1, 0);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Kernel(long output, Pass* pass, int first, int last)
    {
        for (long channel = 0; channel < pass->Size; channel += IFloatLanes.Count)
        {
            var from = pass->Images + (output * 9 * pass->Size) + channel;
            var (right, down) = (pass->Size, 3 * pass->Size);
            var a = KernelOf(Read(from), Read(from + down), Read(from + (2 * down)));
            var b = KernelOf(Read(from + right), Read(from + right + down), Read(from + right + (2 * down)));
            var c = KernelOf(
                Read(from + (2 * right)),
                Read(from + (2 * right) + down),
                Read(from + (2 * right) + (2 * down)));
            var to = pass->Tiles + (output * pass->Size) + channel;
            Write(KernelOf(a.A, b.A, c.A), to + (first * Side * pass->Plane), pass->Plane, first, last);
            Write(KernelOf(a.B, b.B, c.B), to + (Side * pass->Plane), pass->Plane, first, last);
            Write(KernelOf(a.C, b.C, c.C), to + (2 * Side * pass->Plane), pass->Plane, first, last);
            Write(KernelOf(a.D, b.D, c.D), to + (last * Side * pass->Plane), pass->Plane, first, last);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void WeightGradient(long output, Pass* pass)
    {
        for (long channel = 0; channel < pass->Size; channel += IFloatLanes.Count)
        {
            var from = pass->Tiles + (output * pass->Size) + channel;
            var (upperA, middleA, lowerA) = WeightGradientOf(PlacesDown(from, pass->Plane, 0));
            var (upperB, middleB, lowerB) = WeightGradientOf(PlacesDown(from, pass->Plane, 1));
            var (upperC, middleC, lowerC) = WeightGradientOf(PlacesDown(from, pass->Plane, 2));
            var (upperD, middleD, lowerD) = WeightGradientOf(PlacesDown(from, pass->Plane, 3));
            var to = pass->Images + (output * 9 * pass->Size) + channel;
            WriteRow(WeightGradientOf(new(upperA, upperB, upperC, upperD)), to, pass->Size);
            WriteRow(WeightGradientOf(new(middleA, middleB, middleC, middleD)), to + (3 * pass->Size), pass->Size);
            WriteRow(WeightGradientOf(new(lowerA, lowerB, lowerC, lowerD)), to + (6 * pass->Size), pass->Size);
        }
    }

    // Bᵀ of a column.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Four InputOf(Four d) => new(d.A - d.C, d.B + d.C, d.C - d.B, d.B - d.D);

    // Aᵀ.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static (Vector512<float> First, Vector512<float> Second) OutputOf(Four m) =>
        (m.A + m.B + m.C, m.B - m.C - m.D);

    // A.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Four GradientOf(Vector512<float> first, Vector512<float> second) =>
        new(first, first + second, first - second, -second);

    // G.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Four KernelOf(Vector512<float> first, Vector512<float> second, Vector512<float> third)
    {
        var outer = first + third;
        return new(first, (outer + second) * 0.5f, (outer - second) * 0.5f, third);
    }

    // Gᵀ.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static (Vector512<float> First, Vector512<float> Second, Vector512<float> Third) WeightGradientOf(Four u)
    {
        var half = (u.B + u.C) * 0.5f;
        return (u.A + half, (u.B - u.C) * 0.5f, u.D + half);
    }

    // Four pixels in a column, from the one above y; 0 outside the image.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Four Column(Pass* pass, long image, long y, long x, long channel)
    {
        if ((ulong)x >= (ulong)pass->Width)
        {
            return default;
        }

        var row = pass->Width * pass->Size;
        var from = pass->Images + (((((image * pass->Height) + y) * pass->Width) + x) * pass->Size) + channel;
        return new(
            y > 0 ? Read(from - row) : default, Read(from), Read(from + row),
            y + 2 < pass->Height ? Read(from + (2 * row)) : default);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Four PlacesDown(ushort* from, long plane, int column)
    {
        from += column * plane;
        return new(
            Read(from), Read(from + (Side * plane)), Read(from + (2 * Side * plane)),
            Read(from + (3 * Side * plane)));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Write(Four values, ushort* to, long plane, int first = 0, int last = Side - 1)
    {
        Write(values.A, to + (first * plane));
        Write(values.B, to + plane);
        Write(values.C, to + (2 * plane));
        Write(values.D, to + (last * plane));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void WriteRow(
        (Vector512<float> First, Vector512<float> Second, Vector512<float> Third) values,
        ushort* to,
        long apart)
    {
        Write(values.First, to);
        Write(values.Second, to + apart);
        Write(values.Third, to + (2 * apart));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<float> Read(ushort* from) => BFloat16Lanes.Load((byte*)from, 0);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Write(Vector512<float> values, ushort* to) => BFloat16Lanes.Store((byte*)to, 0, values);

    private readonly struct Four(Vector512<float> a, Vector512<float> b, Vector512<float> c, Vector512<float> d)
    {
        public readonly Vector512<float> A = a;
        public readonly Vector512<float> B = b;
        public readonly Vector512<float> C = c;
        public readonly Vector512<float> D = d;
    }

    private struct Pass
    {
        public ushort* Images; // or kernels
        public ushort* Tiles;
        public long Height;
        public long Width;
        public long Size;  // channels
        public long Plane; // values of a place
    }
}
