using System.Buffers;
using TorchSharp;
using static TorchSharp.torch;

namespace MoCoSharp.Kernels;

/// <summary>
/// Batch normalization by groups, with a shortcut's sum and a ReLU: two passes over memory forward, two backward.
/// </summary>
/// <remarks>
/// The input is S groups of rows, one after another; each group has its own statistics. A row is the C channels of
/// a pixel. Sums are taken piece by piece and added in the order of the pieces: they are the same for any number of
/// threads.
/// </remarks>
internal static unsafe partial class BatchNormKernels
{
    /// <summary>
    /// Whether the passes are faster than libtorch's operations: on a CPU, in bfloat16 with vectors of 512 bits, and in
    /// float32 also with 256.
    /// </summary>
    /// <param name="input">Shape [N, C] or [N, C, H, W].</param>
    public static bool IsSupported(Tensor input) => KernelImages.FillLanes(input) && FitsASpan(input)
        && input.dtype switch
    {
        ScalarType.BFloat16 => KernelTable.BatchNorm.IsOn,
        ScalarType.Float32 => KernelTable.BatchNormFp32.IsOn,
        _ => false,
    };

    // The passes read memory by spans, whose length is an int.
    private static bool FitsASpan(Tensor input) => input.numel() * input.element_size() <= int.MaxValue;

    /// <summary>Mean and variance of each group and channel, in float64.</summary>
    /// <param name="rows">Contiguous. Shape [R, C].</param>
    /// <param name="groups">S, a divisor of R.</param>
    /// <returns>S x C values each. The variance is biased: divided by the number of rows.</returns>
    public static (double[] Mean, double[] Variance) Moments(Tensor rows, int groups)
    {
        var pieces = new Pieces(rows, groups);
        using var parts = new Parts(pieces); // of each piece: its mean, and its sum of squared differences from it
        fixed (byte* x = rows.bytes)
        fixed (float* p = parts.Values)
        {
            var pass = new Pass { Pieces = pieces, Input = x, Parts = p };
            TorchParallel.For(pieces.Count, IsBf16(rows) ? &MomentsOf<BFloat16Lanes> : &MomentsOf<Float32Lanes>, &pass);
        }

        var size = pieces.Size;
        var (mean, variance) = (new double[groups * size], new double[groups * size]);
        for (long piece = 0; piece < pieces.Count; piece++)
        {
            var (group, _, count) = pieces[piece];
            Add(parts.First(piece), (double)count / pieces.RowsOfGroup, mean.AsSpan(group * size, size));
        }

        for (long piece = 0; piece < pieces.Count; piece++)
        {
            var (group, _, count) = pieces[piece];
            var from = mean.AsSpan(group * size, size);
            var to = variance.AsSpan(group * size, size);
            Add(parts.Second(piece), 1.0 / pieces.RowsOfGroup, to); // within the piece
            AddSquares(parts.First(piece), from, (double)count / pieces.RowsOfGroup, to); // and between pieces
        }

        return (mean, variance);
    }

    /// <summary>(x - mean) scale + bias + shortcut, and its ReLU.</summary>
    /// <param name="rows">x: contiguous. Shape [R, C].</param>
    /// <param name="output">Written. Same shape and type; may be the rows themselves.</param>
    /// <param name="shortcut">Same shape and type; null to add nothing.</param>
    /// <param name="channels">Mean and scale of each group and channel.</param>
    /// <param name="bias">Float32, shape [C].</param>
    /// <param name="rectifies">Whether a ReLU follows.</param>
    public static void Normalize(
        Tensor rows, Tensor output, Tensor? shortcut, NormChannels channels, Tensor bias, bool rectifies)
    {
        fixed (byte* x = rows.bytes, y = output.bytes, s = shortcut is null ? default : shortcut.bytes, b = bias.bytes)
        fixed (float* mean = channels.Mean, scale = channels.Scale)
        {
            var pass = new Pass
            {
                Pieces = new(rows, channels.Groups), Input = x, Output = y, Shortcut = s, Bias = (float*)b,
                Mean = mean, Scale = scale, Rectifies = rectifies,
            };
            TorchParallel.For(
                pass.Pieces.Count,
                IsBf16(rows) ? &NormalizePiece<BFloat16Lanes> : &NormalizePiece<Float32Lanes>, &pass);
        }
    }

    /// <summary>
    /// For each group and channel, the sum of the gradient and the sum of its products with x - mean.
    /// </summary>
    /// <param name="gradient">Of the output. Contiguous. Shape [R, C].</param>
    /// <param name="rows">x.</param>
    /// <param name="output">
    /// The output of <see cref="Normalize"/> if a shortcut was added, to find where the ReLU is 0; null to compute it
    /// again.
    /// </param>
    /// <param name="ofShortcut">Written: the gradient before the ReLU. Null to skip.</param>
    /// <param name="channels">As forward.</param>
    /// <param name="bias">As forward.</param>
    /// <param name="rectifies">As forward.</param>
    /// <returns>S x C values each.</returns>
    public static (double[] Sum, double[] Product) GradientSums(
        Tensor gradient, Tensor rows, Tensor? output, Tensor? ofShortcut,
        NormChannels channels, Tensor bias, bool rectifies)
    {
        var pieces = new Pieces(rows, channels.Groups);
        using var parts = new Parts(pieces);
        fixed (byte* g = gradient.bytes, x = rows.bytes, y = output is null ? default : output.bytes)
        fixed (byte* s = ofShortcut is null ? default : ofShortcut.bytes, b = bias.bytes)
        fixed (float* mean = channels.Mean, scale = channels.Scale, p = parts.Values)
        {
            var pass = new Pass
            {
                Pieces = pieces, Gradient = g, Input = x, Output = y, Shortcut = s, Bias = (float*)b,
                Mean = mean, Scale = scale, Parts = p, Rectifies = rectifies,
            };
            TorchParallel.For(
                pieces.Count, IsBf16(rows) ? &GradientSumsOf<BFloat16Lanes> : &GradientSumsOf<Float32Lanes>, &pass);
        }

        var (sum, product) = (new double[channels.Mean.Length], new double[channels.Mean.Length]);
        for (long piece = 0; piece < pieces.Count; piece++)
        {
            var at = pieces[piece].Group * pieces.Size;
            Add(parts.First(piece), 1, sum.AsSpan(at, pieces.Size));
            Add(parts.Second(piece), 1, product.AsSpan(at, pieces.Size));
        }

        return (sum, product);
    }

    /// <summary>
    /// The gradient of x: scale g - spread (x - mean) - shift, where g is the gradient before the ReLU.
    /// </summary>
    /// <param name="gradient">
    /// As for <see cref="GradientSums"/>; or its result for the shortcut, with <paramref name="rectifies"/> false.
    /// </param>
    /// <param name="rows">x.</param>
    /// <param name="ofRows">Written; may be the rows themselves.</param>
    /// <param name="channels">As forward.</param>
    /// <param name="spread">Per group and channel.</param>
    /// <param name="shift">Per group and channel.</param>
    /// <param name="bias">As forward.</param>
    /// <param name="rectifies">Whether the gradient is of the ReLU's output. Only without a shortcut.</param>
    public static void Gradient(
        Tensor gradient, Tensor rows, Tensor ofRows,
        NormChannels channels, float[] spread, float[] shift, Tensor bias, bool rectifies)
    {
        fixed (byte* g = gradient.bytes, x = rows.bytes, to = ofRows.bytes, b = bias.bytes)
        fixed (float* mean = channels.Mean, scale = channels.Scale, factor = spread, less = shift)
        {
            var pass = new Pass
            {
                Pieces = new(rows, channels.Groups), Gradient = g, Input = x, Output = to, Bias = (float*)b,
                Mean = mean, Scale = scale, Spread = factor, Shift = less, Rectifies = rectifies,
            };
            TorchParallel.For(
                pass.Pieces.Count, IsBf16(rows) ? &GradientOf<BFloat16Lanes> : &GradientOf<Float32Lanes>, &pass);
        }
    }

    private static bool IsBf16(Tensor rows) => rows.dtype == bfloat16;

    /// <summary>Two sums of each piece and channel.</summary>
    private readonly struct Parts(Pieces pieces) : IDisposable
    {
        private readonly int _size = pieces.Size;

        /// <summary>At least pieces x 2 x C, of any value.</summary>
        public float[] Values { get; } = ArrayPool<float>.Shared.Rent((int)pieces.Count * 2 * pieces.Size);

        public ReadOnlySpan<float> First(long piece) => Values.AsSpan((int)piece * 2 * _size, _size);

        public ReadOnlySpan<float> Second(long piece) => Values.AsSpan(((int)piece * 2 * _size) + _size, _size);

        public void Dispose() => ArrayPool<float>.Shared.Return(Values);
    }

    /// <summary>Pieces of rows that fit in a cache. Their number depends only on the shape.</summary>
    private readonly struct Pieces
    {
        private readonly long _rowsAtOnce;
        private readonly long _perGroup;

        public Pieces(Tensor rows, int groups)
        {
            Size = (int)rows.shape[1];
            RowsOfGroup = rows.shape[0] / groups;
            _rowsAtOnce = Math.Max(64, (1 << 16) / Size);
            _perGroup = (RowsOfGroup + _rowsAtOnce - 1) / _rowsAtOnce;
            Count = groups * _perGroup;
        }

        /// <summary>C.</summary>
        public int Size { get; }

        public long RowsOfGroup { get; }

        public long Count { get; }

        public (int Group, long First, long Count) this[long piece]
        {
            get
            {
                var (group, within) = Math.DivRem(piece, _perGroup);
                var begin = within * _rowsAtOnce;
                return ((int)group, (group * RowsOfGroup) + begin, Math.Min(_rowsAtOnce, RowsOfGroup - begin));
            }
        }
    }

    private struct Pass
    {
        public Pieces Pieces;
        public byte* Gradient;
        public byte* Input;
        public byte* Output;
        public byte* Shortcut;
        public float* Bias;
        public float* Mean;
        public float* Scale;
        public float* Spread;
        public float* Shift;
        public float* Parts;
        public bool Rectifies;
    }
}
