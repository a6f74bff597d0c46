using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace MoCoSharp.Kernels;

/// <summary>The loops of the passes, over the rows of one piece.</summary>
internal static unsafe partial class BatchNormKernels
{
    // Values of neighboring rows that are visited channel by channel, so that a channel's numbers stay in registers.
    private const int AtOnce = 256;

    // Sums relative to the piece's first row, so that a mean far from 0 loses no precision.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void MomentsOf<T>(long piece, Pass* pass) where T : struct, IFloatLanes
    {
        var (_, first, count) = pass->Pieces[piece];
        var size = pass->Pieces.Size;
        var rowsAtOnce = Math.Max(1, AtOnce / size);
        var rows = pass->Input + (first * size * T.Bytes);
        var sums = pass->Parts + (piece * 2 * size);
        var squares = sums + size;
        new Span<float>(sums, 2 * size).Clear();
        for (long row = 0; row < count; row += rowsAtOnce)
        {
            var end = Math.Min(row + rowsAtOnce, count) * size;
            for (var c = 0; c < size; c += IFloatLanes.Count)
            {
                var from = T.Load(rows, c);
                Vector512<float> sum = Vector512.Load(sums + c), square = Vector512.Load(squares + c);
                for (var at = (row * size) + c; at < end; at += size)
                {
                    var off = T.Load(rows, at) - from;
                    sum += off;
                    square = Vector512.FusedMultiplyAdd(off, off, square);
                }

                sum.Store(sums + c);
                square.Store(squares + c);
            }
        }

        for (var c = 0; c < size; c += IFloatLanes.Count)
        {
            var sum = Vector512.Load(sums + c);
            (T.Load(rows, c) + (sum / count)).Store(sums + c);
            (Vector512.Load(squares + c) - (sum * sum / count)).Store(squares + c);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void NormalizePiece<T>(long piece, Pass* pass) where T : struct, IFloatLanes
    {
        var (group, first, count) = pass->Pieces[piece];
        var size = pass->Pieces.Size;
        var rowsAtOnce = Math.Max(1, AtOnce / size);
        var ofGroup = (long)group * size;
        float* means = pass->Mean + ofGroup, scales = pass->Scale + ofGroup, biases = pass->Bias;
        byte* input = pass->Input, output = pass->Output, shortcut = pass->Shortcut;
        var rectifies = pass->Rectifies;
        for (var row = first; row < first + count; row += rowsAtOnce)
        {
            var end = Math.Min(row + rowsAtOnce, first + count) * size;
            for (var c = 0; c < size; c += IFloatLanes.Count)
            {
                Vector512<float> mean = Vector512.Load(means + c), scale = Vector512.Load(scales + c);
                var bias = Vector512.Load(biases + c);
                for (var at = (row * size) + c; at < end; at += size)
                {
                    var value = Vector512.FusedMultiplyAdd(T.Load(input, at) - mean, scale, bias);
                    if (shortcut != null)
                    {
                        value += T.Load(shortcut, at);
                    }

                    if (rectifies)
                    {
                        value = Vector512.MaxNative(Vector512<float>.Zero, value); // in this order, NaN stays
                    }

                    T.Store(output, at, value);
                }
            }
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void GradientSumsOf<T>(long piece, Pass* pass) where T : struct, IFloatLanes
    {
        var (group, first, count) = pass->Pieces[piece];
        var size = pass->Pieces.Size;
        var rowsAtOnce = Math.Max(1, AtOnce / size);
        var ofGroup = (long)group * size;
        float* means = pass->Mean + ofGroup, scales = pass->Scale + ofGroup, biases = pass->Bias;
        byte* gradients = pass->Gradient, input = pass->Input, output = pass->Output, ofShortcut = pass->Shortcut;
        var rectifies = pass->Rectifies;
        var sums = pass->Parts + (piece * 2 * size);
        var products = sums + size;
        new Span<float>(sums, 2 * size).Clear();
        for (var row = first; row < first + count; row += rowsAtOnce)
        {
            var end = Math.Min(row + rowsAtOnce, first + count) * size;
            for (var c = 0; c < size; c += IFloatLanes.Count)
            {
                Vector512<float> mean = Vector512.Load(means + c), scale = Vector512.Load(scales + c);
                var bias = Vector512.Load(biases + c);
                Vector512<float> sum = Vector512.Load(sums + c), product = Vector512.Load(products + c);
                for (var at = (row * size) + c; at < end; at += size)
                {
                    Vector512<float> gradient = T.Load(gradients, at), off = T.Load(input, at) - mean;
                    if (rectifies)
                    {
                        gradient = output != null
                            ? LetThrough(gradient, T.Load(output, at))
                            : LetThrough(gradient, Vector512.FusedMultiplyAdd(off, scale, bias));
                    }

                    if (ofShortcut != null)
                    {
                        T.Store(ofShortcut, at, gradient);
                    }

                    sum += gradient;
                    product = Vector512.FusedMultiplyAdd(gradient, off, product);
                }

                sum.Store(sums + c);
                product.Store(products + c);
            }
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void GradientOf<T>(long piece, Pass* pass) where T : struct, IFloatLanes
    {
        var (group, first, count) = pass->Pieces[piece];
        var size = pass->Pieces.Size;
        var rowsAtOnce = Math.Max(1, AtOnce / size);
        var ofGroup = (long)group * size;
        float* means = pass->Mean + ofGroup, scales = pass->Scale + ofGroup, biases = pass->Bias;
        float* spreads = pass->Spread + ofGroup, shifts = pass->Shift + ofGroup;
        byte* gradients = pass->Gradient, input = pass->Input, output = pass->Output;
        var rectifies = pass->Rectifies;
        for (var row = first; row < first + count; row += rowsAtOnce)
        {
            var end = Math.Min(row + rowsAtOnce, first + count) * size;
            for (var c = 0; c < size; c += IFloatLanes.Count)
            {
                Vector512<float> mean = Vector512.Load(means + c), scale = Vector512.Load(scales + c);
                var bias = Vector512.Load(biases + c);
                Vector512<float> spread = -Vector512.Load(spreads + c), shift = -Vector512.Load(shifts + c);
                for (var at = (row * size) + c; at < end; at += size)
                {
                    Vector512<float> gradient = T.Load(gradients, at), off = T.Load(input, at) - mean;
                    if (rectifies)
                    {
                        gradient = LetThrough(gradient, Vector512.FusedMultiplyAdd(off, scale, bias));
                    }

                    var scaled = Vector512.FusedMultiplyAdd(gradient, scale, shift);
                    T.Store(output, at, Vector512.FusedMultiplyAdd(off, spread, scaled));
                }
            }
        }
    }

    // The gradient where the ReLU's output, or its input, is above 0 or NaN.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<float> LetThrough(Vector512<float> gradient, Vector512<float> output) =>
        Vector512.ConditionalSelect(
            Vector512.LessThanOrEqual(output, Vector512<float>.Zero), Vector512<float>.Zero, gradient);

    // to += values factor
    private static void Add(ReadOnlySpan<float> values, double factor, Span<double> to)
    {
        for (var c = 0; c < to.Length; c += IFloatLanes.Count)
        {
            var (lower, upper) = Vector512.Widen(Vector512.Create(values.Slice(c, IFloatLanes.Count)));
            AddTo(lower, factor, to[c..]);
            AddTo(upper, factor, to[(c + 8)..]);
        }
    }

    // to += (values - from)² factor
    private static void AddSquares(
        ReadOnlySpan<float> values, ReadOnlySpan<double> from, double factor, Span<double> to)
    {
        for (var c = 0; c < to.Length; c += IFloatLanes.Count)
        {
            var (lower, upper) = Vector512.Widen(Vector512.Create(values.Slice(c, IFloatLanes.Count)));
            lower -= Vector512.Create(from[c..]);
            upper -= Vector512.Create(from[(c + 8)..]);
            AddTo(lower * lower, factor, to[c..]);
            AddTo(upper * upper, factor, to[(c + 8)..]);
        }
    }

    private static void AddTo(Vector512<double> values, double factor, Span<double> to) =>
        Vector512.FusedMultiplyAdd(values, Vector512.Create(factor), Vector512.Create<double>(to)).CopyTo(to);
}
