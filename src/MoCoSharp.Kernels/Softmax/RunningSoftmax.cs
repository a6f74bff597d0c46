using System.Diagnostics;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using TorchSharp;
using static TorchSharp.torch;

namespace MoCoSharp.Kernels;

/// <summary>One step of a softmax over keys that come in blocks, relative to the highest logit so far.</summary>
/// <remarks>Two passes over each row, which the cache still holds.</remarks>
internal static unsafe class RunningSoftmax
{
    private const int Lanes = IFloatLanes.Count;

    /// <summary>
    /// Adds a block: logits become exp(logit - highest), and earlier sums shrink by as much as the highest rose.
    /// </summary>
    /// <param name="logits">Overwritten. Float32 or bfloat16, contiguous, on the CPU. Shape [N, B].</param>
    /// <param name="highest">Updated. Float32, shape [N, 1].</param>
    /// <param name="total">Updated: the sum of exp(logit - highest). Float32, shape [N, 1].</param>
    /// <param name="weightedKeys">Shrunk: the caller's sum of exp(logit - highest) times key. Float32, contiguous,
    /// shape [N, C].</param>
    /// <param name="positive">Float32, shape [N, 1].</param>
    /// <param name="nearer">Updated: the number of logits above the positive one. Float32, shape [N, 1]; null to
    /// skip.</param>
    public static void Update(
        Tensor logits, Tensor highest, Tensor total, Tensor weightedKeys, Tensor positive, Tensor? nearer)
    {
        Debug.Assert(logits.is_contiguous() && weightedKeys.is_contiguous());
        fixed (byte* l = logits.bytes, h = highest.bytes, t = total.bytes, w = weightedKeys.bytes)
        fixed (byte* own = positive.bytes, n = nearer is null ? default : nearer.bytes)
        {
            var block = new Block
            {
                Logits = l, Highest = (float*)h, Total = (float*)t, WeightedKeys = (float*)w,
                Positive = (float*)own, Nearer = (float*)n,
                Width = (int)logits.shape[1], Size = (int)weightedKeys.shape[1],
            };
            TorchParallel.For(
                logits.shape[0], logits.dtype == bfloat16 ? &Row<BFloat16Lanes> : &Row<Float32Lanes>, &block);
        }
    }

    /// <summary>
    /// exp(x) for x of 0 or less, within two units in the last place; 0 where the result is not normal.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static Vector512<float> Exp(Vector512<float> x)
    {
        const float lowest = -87.33654f; // exp of it is the least normal number
        var clamped = Vector512.MaxNative(Vector512.Create(lowest), x); // in this order, NaN stays
        var power = Vector512.Round(clamped * 1.44269504f); // x = power ln 2 + rest
        var rest = Vector512.FusedMultiplyAdd(power, Vector512.Create(-0.693359375f), clamped);
        rest = Vector512.FusedMultiplyAdd(power, Vector512.Create(2.12194440e-4f), rest);
        // Minimax polynomial of (exp(rest) - 1 - rest) / rest², Cephes' expf
        var series = Vector512.Create(1.9875691500e-4f);
        series = Vector512.FusedMultiplyAdd(series, rest, Vector512.Create(1.3981999507e-3f));
        series = Vector512.FusedMultiplyAdd(series, rest, Vector512.Create(8.3334519073e-3f));
        series = Vector512.FusedMultiplyAdd(series, rest, Vector512.Create(4.1665795894e-2f));
        series = Vector512.FusedMultiplyAdd(series, rest, Vector512.Create(1.6666665459e-1f));
        series = Vector512.FusedMultiplyAdd(series, rest, Vector512.Create(5.0000001201e-1f));
        var value = Vector512.FusedMultiplyAdd(series, rest * rest, rest + Vector512<float>.One);
        var scale = ((Vector512.ConvertToInt32(power) + Vector512.Create(127)) << 23).AsSingle(); // 2^power
        var isTooLow = Vector512.LessThan(x, Vector512.Create(lowest));
        return Vector512.ConditionalSelect(isTooLow, Vector512<float>.Zero, value * scale);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Row<T>(long row, Block* block) where T : struct, IFloatLanes
    {
        var width = block->Width;
        var logits = block->Logits + (row * width * T.Bytes);
        var whole = width / (2 * Lanes) * (2 * Lanes); // two vectors at a time: the one's latency hides the other's
        var (highs, others) = (Vector512.Create(float.NegativeInfinity), Vector512.Create(float.NegativeInfinity));
        for (var i = 0; i < whole; i += 2 * Lanes)
        {
            highs = Vector512.MaxNative(highs, T.Load(logits, i));
            others = Vector512.MaxNative(others, T.Load(logits, i + Lanes));
        }

        for (var i = whole; i < width; i += Lanes)
        {
            highs = Vector512.MaxNative(highs, Load<T>(logits, i, width));
        }

        highs = Vector512.MaxNative(highs, others);
        if (block->Nearer != null)
        {
            block->Nearer[row] += Above<T>(logits, width, block->Positive[row]);
        }

        var (before, highest) = (block->Highest[row], block->Highest[row]);
        for (var lane = 0; lane < Lanes; lane++)
        {
            highest = MathF.Max(highest, highs[lane]);
        }

        var top = Vector512.Create(highest);
        var (sums, otherSums) = (Vector512<float>.Zero, Vector512<float>.Zero);
        for (var i = 0; i < whole; i += 2 * Lanes)
        {
            var one = Exp(T.Load(logits, i) - top); // a logit that is NaN makes the sum NaN
            var two = Exp(T.Load(logits, i + Lanes) - top);
            sums += one;
            otherSums += two;
            T.Store(logits, i, one);
            T.Store(logits, i + Lanes, two);
        }

        for (var i = whole; i < width; i += Lanes)
        {
            var weights = Exp(Load<T>(logits, i, width) - top);
            sums += weights;
            Store<T>(logits, i, width, weights);
        }

        var shrink = MathF.Exp(before - highest);
        block->Highest[row] = highest;
        block->Total[row] = (block->Total[row] * shrink) + Vector512.Sum(sums + otherSums);
        foreach (ref var value in new Span<float>(block->WeightedKeys + (row * block->Size), block->Size))
        {
            value *= shrink;
        }
    }

    private static float Above<T>(byte* logits, int width, float positive) where T : struct, IFloatLanes
    {
        var count = Vector512<int>.Zero;
        for (var i = 0; i < width; i += Lanes)
        {
            var isAbove = Vector512.GreaterThan(Load<T>(logits, i, width), Vector512.Create(positive));
            count -= isAbove.AsInt32(); // true is -1
        }

        return Vector512.Sum(count);
    }

    // Values past the end of the row are -infinity.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<float> Load<T>(byte* row, int at, int width) where T : struct, IFloatLanes
    {
        return at + Lanes <= width ? T.Load(row, at) : LoadTail<T>(row, at, width);
    }

    private static Vector512<float> LoadTail<T>(byte* row, int at, int width) where T : struct, IFloatLanes
    {
        var rest = stackalloc byte[Lanes * sizeof(float)];
        T.Store(rest, 0, Vector512.Create(float.NegativeInfinity));
        Buffer.MemoryCopy(row + (at * T.Bytes), rest, Lanes * sizeof(float), (width - at) * T.Bytes);
        return T.Load(rest, 0);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Store<T>(byte* row, int at, int width, Vector512<float> values) where T : struct, IFloatLanes
    {
        if (at + Lanes <= width)
        {
            T.Store(row, at, values);
        }
        else
        {
            StoreTail<T>(row, at, width, values);
        }
    }

    private static void StoreTail<T>(byte* row, int at, int width, Vector512<float> values)
        where T : struct, IFloatLanes
    {
        var rest = stackalloc byte[Lanes * sizeof(float)];
        T.Store(rest, 0, values);
        Buffer.MemoryCopy(rest, row + (at * T.Bytes), (width - at) * T.Bytes, (width - at) * T.Bytes);
    }

    private struct Block
    {
        public byte* Logits;
        public float* Highest;
        public float* Total;
        public float* WeightedKeys;
        public float* Positive;
        public float* Nearer;
        public int Width;
        public int Size;
    }
}
