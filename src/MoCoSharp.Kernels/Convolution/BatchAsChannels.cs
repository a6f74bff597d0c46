using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;
using TorchSharp;
using static TorchSharp.torch;

namespace MoCoSharp.Kernels;

/// <summary>A batch transposed: each channel becomes an image, and each image a channel.</summary>
/// <remarks>A convolution of two such batches sums over images and pixels, as the gradient of a convolution's weights
/// does.</remarks>
internal static unsafe class BatchAsChannels
{
    /// <summary>The number of images must be a multiple of this.</summary>
    public const int Images = 16;

    /// <summary>The number of channels must be a multiple of this.</summary>
    public const int Channels = 32;

    private const int Square = 8; // side of the blocks that are transposed in registers

    /// <summary>The transposed batch, with pixels in reverse order.</summary>
    /// <param name="images">bfloat16 on a CPU, channels last. Shape [N, C, H, W], N a multiple of <see cref="Images"/>,
    /// C of <see cref="Channels"/>.</param>
    /// <exception cref="ArgumentException">Another type or device, or sizes that are not such multiples.</exception>
    /// <returns>The pixel (y, x) of the image n and channel c at [c, n, H - 1 - y, W - 1 - x]. Shape [C, N, H, W],
    /// channels last.</returns>
    public static Tensor Reversed(Tensor images)
    {
        var (count, channels, height, width) = (images.shape[0], images.shape[1], images.shape[2], images.shape[3]);
        if (images.dtype != bfloat16 || images.device_type != DeviceType.CPU
            || count % Images != 0 || channels % Channels != 0)
        {
            throw new ArgumentException(
                $"{images.dtype} on {images.device_type}, [{string.Join(", ", images.shape)}]: " +
                $"expected BFloat16 on the CPU, [N, C, H, W] with N a multiple of {Images} and C of {Channels}.");
        }

        using var scope = NewDisposeScope();
        var pixels = images.permute(0, 2, 3, 1).contiguous(); // [N, H, W, C]
        var reversed = empty(channels, height, width, count, dtype: images.dtype);
        fixed (byte* from = pixels.bytes, to = reversed.bytes)
        {
            var pass = new Pass
            {
                From = (ushort*)from, To = (ushort*)to, Count = count, Size = channels, Pixels = height * width,
            };
            TorchParallel.For(channels / Channels, &Transpose, &pass);
        }

        return reversed.permute(0, 3, 1, 2).MoveToOuterDisposeScope();
    }

    // Some channels of every pixel and image: one cache line of each is read into a tile and written transposed.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Transpose(long part, Pass* pass)
    {
        var tile = stackalloc ushort[Images * Channels];
        var channel = part * Channels;
        for (long pixel = 0; pixel < pass->Pixels; pixel++)
        {
            for (long image = 0; image < pass->Count; image += Images)
            {
                for (var row = 0; row < Images; row++)
                {
                    var line = pass->From + ((((image + row) * pass->Pixels) + pixel) * pass->Size) + channel;
                    Vector512.Load(line).Store(tile + (row * Channels));
                }

                for (var at = 0; at < Channels; at += Square)
                {
                    var pixelAfter = pass->Pixels - 1 - pixel;
                    var to = pass->To + ((((channel + at) * pass->Pixels) + pixelAfter) * pass->Count) + image;
                    for (var row = 0; row < Images; row += Square)
                    {
                        TransposeSquare(tile + (row * Channels) + at, to + row, pass->Pixels * pass->Count);
                    }
                }
            }
        }
    }

    // 8 rows of 8 values, Channels apart, become 8 columns, whose rows are written `apart` from one another.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void TransposeSquare(ushort* from, ushort* to, long apart)
    {
        var (a, b, c, d) = (Row(from, 0), Row(from, 1), Row(from, 2), Row(from, 3));
        var (e, f, g, h) = (Row(from, 4), Row(from, 5), Row(from, 6), Row(from, 7));
        WriteFour( // of each row its first four values
            to, apart,
            Sse2.UnpackLow(a, b).AsUInt32(), Sse2.UnpackLow(c, d).AsUInt32(),
            Sse2.UnpackLow(e, f).AsUInt32(), Sse2.UnpackLow(g, h).AsUInt32());
        WriteFour( // and its last four
            to + (4 * apart), apart,
            Sse2.UnpackHigh(a, b).AsUInt32(), Sse2.UnpackHigh(c, d).AsUInt32(),
            Sse2.UnpackHigh(e, f).AsUInt32(), Sse2.UnpackHigh(g, h).AsUInt32());
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector128<ushort> Row(ushort* from, int row) => Vector128.Load(from + (row * Channels));

    // Four columns from the pairs that two rows each make of their values.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void WriteFour(
        ushort* to, long apart, Vector128<uint> ab, Vector128<uint> cd, Vector128<uint> ef, Vector128<uint> gh)
    {
        var (low, high) = (Sse2.UnpackLow(ab, cd).AsUInt64(), Sse2.UnpackLow(ef, gh).AsUInt64());
        Sse2.UnpackLow(low, high).AsUInt16().Store(to);
        Sse2.UnpackHigh(low, high).AsUInt16().Store(to + apart);
        (low, high) = (Sse2.UnpackHigh(ab, cd).AsUInt64(), Sse2.UnpackHigh(ef, gh).AsUInt64());
        Sse2.UnpackLow(low, high).AsUInt16().Store(to + (2 * apart));
        Sse2.UnpackHigh(low, high).AsUInt16().Store(to + (3 * apart));
    }

    private struct Pass
    {
        public ushort* From;
        public ushort* To;
        public long Count;
        public long Size;
        public long Pixels;
    }
}
