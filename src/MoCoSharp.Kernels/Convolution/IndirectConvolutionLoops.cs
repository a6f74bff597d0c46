using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using TorchSharp;
using static TorchSharp.torch;

namespace MoCoSharp.Kernels;

/// <summary>The products and sums of an <see cref="IndirectConvolution"/>.</summary>
/// <remarks>
/// A product computes the same pixel of six images at once: all six have the same taps, and none multiplies the zeros
/// of the padding. Its 12 vectors of sums, two of weights and a value are all that a processor with AVX2 has registers
/// for. The result is the same for any number of threads.
/// </remarks>
internal static unsafe class IndirectConvolutionLoops
{
    private const int ImagesAtOnce = 6; // of which a pixel is computed
    private const int Lanes = IFloatLanes.Count; // channels at once: two vectors of 8
    private const int PixelsAtOnce = 64;
    private const int ChannelsAtOnce = 4; // of the input, in a sum
    private const int ValuesAtOnce = 1 << 13; // of input and gradient, in a cache

    /// <summary>Whether the groups of six are so full that at most a sixth of the work is done twice.</summary>
    /// <param name="images">Of a batch.</param>
    public static bool HasFullGroups(long images) => 5 * ImagesAtOnce * Groups(images) <= ImagesAtOnce * images;

    /// <summary>The sum over taps and channels of the products of source and weights.</summary>
    /// <param name="source">Contiguous. Shape [N, H, W, C].</param>
    /// <param name="weights">Contiguous. Shape [C' / 16, 3, 3, C, 16].</param>
    /// <param name="index">The pixels of the source for each pixel of the result.</param>
    /// <param name="result">Written. Contiguous. Shape [N, H', W', C'].</param>
    public static void Multiply(Tensor source, Tensor weights, TapIndex index, Tensor result)
    {
        var pixels = index.Starts.Length - 1;
        fixed (byte* from = source.bytes, kernel = weights.bytes, to = result.bytes)
        fixed (int* starts = index.Starts, taps = index.Taps, sources = index.Sources)
        {
            var pass = new Products
            {
                Source = (float*)from, Weights = (float*)kernel, Result = (float*)to,
                Starts = starts, Taps = taps, Sources = sources, Pixels = pixels,
                Parts = (pixels + PixelsAtOnce - 1) / PixelsAtOnce, Images = source.shape[0],
                Channels = source.shape[3], Outputs = result.shape[3], SourcePixels = source.shape[1] * source.shape[2],
            };
            TorchParallel.For(Groups(pass.Images) * pass.Parts, &MultiplyPart, &pass);
        }
    }

    /// <summary>The sum over pixels of the products of input and gradient, for each part of a batch.</summary>
    /// <param name="images">Contiguous. Shape [N, H, W, I].</param>
    /// <param name="gradient">Contiguous. Shape [N, H', W', O].</param>
    /// <param name="size">Of the convolution.</param>
    /// <param name="sums">Written. Contiguous. Shape [parts, 3, 3, I, O].</param>
    public static void Sum(Tensor images, Tensor gradient, ConvolutionSize size, Tensor sums)
    {
        fixed (byte* from = images.bytes, by = gradient.bytes, to = sums.bytes)
        {
            var pass = new Sums
            {
                Source = (float*)from, Gradient = (float*)by, Result = (float*)to, Images = images.shape[0],
                Parts = sums.shape[0], Height = size.Height, Width = size.Width,
                Stride = size.Stride, OutputHeight = size.OutputHeight, OutputWidth = size.OutputWidth,
                Inputs = images.shape[3], Outputs = gradient.shape[3],
            };
            TorchParallel.For(pass.Parts, &SumPart, &pass);
        }
    }

    private static long Groups(long images) => (images + ImagesAtOnce - 1) / ImagesAtOnce;

    // Some pixels of six images. Where fewer images are left, the last one is computed again, with the same result.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void MultiplyPart(long item, Products* pass)
    {
        var (group, part) = Math.DivRem(item, pass->Parts);
        float** sources = stackalloc float*[ImagesAtOnce], results = stackalloc float*[ImagesAtOnce];
        for (var i = 0; i < ImagesAtOnce; i++)
        {
            var image = Math.Min((group * ImagesAtOnce) + i, pass->Images - 1);
            sources[i] = pass->Source + (image * pass->SourcePixels * pass->Channels);
            results[i] = pass->Result + (image * pass->Pixels * pass->Outputs);
        }

        var first = part * PixelsAtOnce;
        var end = Math.Min(first + PixelsAtOnce, pass->Pixels);
        for (long output = 0; output < pass->Outputs; output += Lanes)
        {
            var weights = pass->Weights + (output * ConvolutionSize.Taps * pass->Channels);
            for (var pixel = first; pixel < end; pixel++)
            {
                Multiply(pass, pixel, sources, weights, results, (pixel * pass->Outputs) + output);
            }
        }
    }

    // A pixel of six images by 16 outputs.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Multiply(
        Products* pass, long pixel, float** sources, float* weights, float** results, long at)
    {
        Vector256<float> a0 = default, a1 = default, a2 = default, a3 = default, a4 = default, a5 = default;
        Vector256<float> b0 = default, b1 = default, b2 = default, b3 = default, b4 = default, b5 = default;
        var channels = pass->Channels;
        for (var pair = pass->Starts[pixel]; pair < pass->Starts[pixel + 1]; pair++)
        {
            var from = pass->Sources[pair] * channels;
            float* x0 = sources[0] + from, x1 = sources[1] + from, x2 = sources[2] + from;
            float* x3 = sources[3] + from, x4 = sources[4] + from, x5 = sources[5] + from;
            var w = weights + (pass->Taps[pair] * channels * Lanes);
            for (long c = 0; c < channels; c++)
            {
                Vector256<float> low = Vector256.Load(w), high = Vector256.Load(w + 8);
                var x = Vector256.Create(x0[c]);
                (a0, b0) = (Vector256.FusedMultiplyAdd(x, low, a0), Vector256.FusedMultiplyAdd(x, high, b0));
                x = Vector256.Create(x1[c]);
                (a1, b1) = (Vector256.FusedMultiplyAdd(x, low, a1), Vector256.FusedMultiplyAdd(x, high, b1));
                x = Vector256.Create(x2[c]);
                (a2, b2) = (Vector256.FusedMultiplyAdd(x, low, a2), Vector256.FusedMultiplyAdd(x, high, b2));
                x = Vector256.Create(x3[c]);
                (a3, b3) = (Vector256.FusedMultiplyAdd(x, low, a3), Vector256.FusedMultiplyAdd(x, high, b3));
                x = Vector256.Create(x4[c]);
                (a4, b4) = (Vector256.FusedMultiplyAdd(x, low, a4), Vector256.FusedMultiplyAdd(x, high, b4));
                x = Vector256.Create(x5[c]);
                (a5, b5) = (Vector256.FusedMultiplyAdd(x, low, a5), Vector256.FusedMultiplyAdd(x, high, b5));
                w += Lanes;
            }
        }

        Store(results[0] + at, a0, b0);
        Store(results[1] + at, a1, b1);
        Store(results[2] + at, a2, b2);
        Store(results[3] + at, a3, b3);
        Store(results[4] + at, a4, b4);
        Store(results[5] + at, a5, b5);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void SumPart(long part, Sums* pass)
    {
        var values = ConvolutionSize.Taps * pass->Inputs * pass->Outputs;
        var sums = pass->Result + (part * values);
        new Span<float>(sums, (int)values).Clear();
        var valuesOfRow = (pass->Width * pass->Stride * pass->Inputs) + (pass->OutputWidth * pass->Outputs);
        var rowsAtOnce = Math.Clamp(ValuesAtOnce / valuesOfRow, 1, pass->OutputHeight);
        var imagesAtOnce = Math.Max(1, ValuesAtOnce / valuesOfRow / pass->OutputHeight);
        var end = (part + 1) * pass->Images / pass->Parts;
        for (var image = part * pass->Images / pass->Parts; image < end; image += imagesAtOnce)
        {
            for (long row = 0; row < pass->OutputHeight; row += rowsAtOnce)
            {
                SumRows(
                    pass, image, Math.Min(imagesAtOnce, end - image),
                    row, Math.Min(row + rowsAtOnce, pass->OutputHeight), sums);
            }
        }
    }

    // Rows first to end of some images.
    private static void SumRows(Sums* pass, long image, long images, long first, long end, float* sums)
    {
        long stride = pass->Stride, inputs = pass->Inputs, outputs = pass->Outputs;
        for (var tap = 0; tap < ConvolutionSize.Taps; tap++)
        {
            // Where the tap is not in the padding.
            long down = (tap / ConvolutionSize.Kernel) - 1, right = (tap % ConvolutionSize.Kernel) - 1;
            long y = Math.Max(first, down < 0 ? 1 : 0), x = right < 0 ? 1 : 0;
            var rows = Math.Min(end, (pass->Height - down + stride - 1) / stride) - y;
            var columns = Math.Min(pass->OutputWidth, (pass->Width - right + stride - 1) / stride) - x;
            if (rows <= 0 || columns <= 0)
            {
                continue;
            }

            var source = pass->Source + (image * pass->SourceOfImage)
                + (((((y * stride) + down) * pass->Width) + (x * stride) + right) * inputs);
            var gradient = pass->Gradient + (image * pass->GradientOfImage)
                + (((y * pass->OutputWidth) + x) * outputs);
            Loop ofImages = new(images, pass->SourceOfImage, pass->GradientOfImage);
            Loop ofRows = new(rows, stride * pass->Width * inputs, pass->OutputWidth * outputs);
            Loop ofColumns = new(columns, stride * inputs, outputs);
            var (outer, inner) = images > columns ? (ofColumns, ofImages) : (ofImages, ofColumns);
            for (long input = 0; input < inputs; input += ChannelsAtOnce)
            {
                for (long output = 0; output < outputs; output += Lanes)
                {
                    Sum(
                        &outer, &ofRows, &inner, source + input, gradient + output,
                        sums + (((tap * inputs) + input) * outputs) + output, outputs);
                }
            }
        }
    }

    // 4 inputs by 16 outputs.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Sum(
        Loop* outer, Loop* middle, Loop* inner, float* source, float* gradient, float* sums, long outputs)
    {
        float* s0 = sums, s1 = s0 + outputs, s2 = s1 + outputs, s3 = s2 + outputs;
        Vector256<float> a0 = Vector256.Load(s0), b0 = Vector256.Load(s0 + 8);
        Vector256<float> a1 = Vector256.Load(s1), b1 = Vector256.Load(s1 + 8);
        Vector256<float> a2 = Vector256.Load(s2), b2 = Vector256.Load(s2 + 8);
        Vector256<float> a3 = Vector256.Load(s3), b3 = Vector256.Load(s3 + 8);
        long count = inner->Count, right = inner->Source, rightOfGradient = inner->Gradient;
        for (long i = 0; i < outer->Count; i++)
        {
            for (long j = 0; j < middle->Count; j++)
            {
                var from = source + (i * outer->Source) + (j * middle->Source);
                var by = gradient + (i * outer->Gradient) + (j * middle->Gradient);
                for (long k = 0; k < count; k++)
                {
                    Vector256<float> low = Vector256.Load(by), high = Vector256.Load(by + 8);
                    var value = Vector256.Create(from[0]);
                    a0 = Vector256.FusedMultiplyAdd(value, low, a0);
                    b0 = Vector256.FusedMultiplyAdd(value, high, b0);
                    value = Vector256.Create(from[1]);
                    a1 = Vector256.FusedMultiplyAdd(value, low, a1);
                    b1 = Vector256.FusedMultiplyAdd(value, high, b1);
                    value = Vector256.Create(from[2]);
                    a2 = Vector256.FusedMultiplyAdd(value, low, a2);
                    b2 = Vector256.FusedMultiplyAdd(value, high, b2);
                    value = Vector256.Create(from[3]);
                    a3 = Vector256.FusedMultiplyAdd(value, low, a3);
                    b3 = Vector256.FusedMultiplyAdd(value, high, b3);
                    from += right;
                    by += rightOfGradient;
                }
            }
        }

        Store(s0, a0, b0);
        Store(s1, a1, b1);
        Store(s2, a2, b2);
        Store(s3, a3, b3);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Store(float* to, Vector256<float> low, Vector256<float> high)
    {
        low.Store(to);
        high.Store(to + 8);
    }

    // Steps along one dimension of the source and the gradient.
    private readonly record struct Loop(long Count, long Source, long Gradient);

    private struct Products
    {
        public float* Source;
        public float* Weights;
        public float* Result;
        public int* Starts;
        public int* Taps;
        public int* Sources;
        public long Pixels;
        public long Parts;
        public long Images;
        public long Channels;
        public long Outputs;
        public long SourcePixels;
    }

    private struct Sums
    {
        public float* Source;
        public float* Gradient;
        public float* Result;
        public long Images;
        public long Parts;
        public long Height;
        public long Width;
        public long Stride;
        public long OutputHeight;
        public long OutputWidth;
        public long Inputs;
        public long Outputs;

        public readonly long SourceOfImage => Height * Width * Inputs;

        public readonly long GradientOfImage => OutputHeight * OutputWidth * Outputs;
    }
}
