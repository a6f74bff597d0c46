using System.Numerics;
using System.Runtime.Intrinsics;
using MoCoSharp.Data.Quality;
using MoCoSharp.Kernels;
using TorchSharp;
using static TorchSharp.torch;

namespace MoCoSharp.Features;

/// <summary>
/// Finds all pairs of rows with a high product, in blocks, so that memory does not grow with the pairs.
/// </summary>
internal static class SimilarityJoin
{
    private const int RowsAtOnce = 1024;
    private const int ColumnsAtOnce = 4096; // 16 MB of similarities at a time

    /// <summary>Finds pairs (i, j) with row i · column j of at least a threshold.</summary>
    /// <param name="rows">L2-normalized, float32 on the CPU. Shape [N, D].</param>
    /// <param name="columns">L2-normalized, float32 on the CPU. Shape [M, D].</param>
    /// <param name="isSame">Whether both are one set: then each pair is found once, with i below j.</param>
    /// <param name="threshold">The lowest similarity.</param>
    /// <param name="take">Receives each pair, on this thread, in the same order for any number of threads.</param>
    /// <param name="progress">Receives the number of rows done, and N.</param>
    /// <param name="cancellation">Ends the work early.</param>
    public static unsafe void Each(
        Tensor rows, Tensor columns, bool isSame, float threshold, Action<SimilarPair> take,
        Action<int, int>? progress, CancellationToken cancellation)
    {
        using var noGrad = no_grad();
        var (count, others) = ((int)rows.shape[0], (int)columns.shape[0]);
        var found = Enumerable.Range(0, Math.Min(RowsAtOnce, count)).Select(_ => new List<SimilarPair>()).ToArray();
        var parallel = new ParallelOptions { MaxDegreeOfParallelism = get_num_threads() };
        for (var row = 0; row < count; row += RowsAtOnce)
        {
            var height = Math.Min(RowsAtOnce, count - row);
            for (var column = isSame ? row : 0; column < others; column += ColumnsAtOnce)
            {
                cancellation.ThrowIfCancellationRequested();
                using var block = NewDisposeScope();
                var width = Math.Min(ColumnsAtOnce, others - column);
                var similarity = MatMul.TimesTransposed( // [height, width], contiguous
                    rows.narrow(0, row, height), columns.narrow(0, column, width));
                fixed (byte* memory = similarity.bytes)
                {
                    var (scores, top, left) = ((nint)memory, row, column);
                    Parallel.For(0, height, parallel, i =>
                    {
                        var start = isSame ? Math.Max(0, top + i + 1 - left) : 0;
                        var line = new ReadOnlySpan<float>((float*)scores + ((long)i * width), width);
                        if (start < width)
                        {
                            Scan(line[start..], threshold, top + i, left + start, found[i]);
                        }
                    });
                }

                Hand(found, take);
            }

            progress?.Invoke(row + height, count);
        }
    }

    private static void Hand(List<SimilarPair>[] found, Action<SimilarPair> take)
    {
        foreach (var line in found)
        {
            line.ForEach(take);
            line.Clear();
        }
    }

    private static void Scan(ReadOnlySpan<float> scores, float threshold, int row, int first, List<SimilarPair> found)
    {
        var i = 0;
        for (; i <= scores.Length - Vector512<float>.Count; i += Vector512<float>.Count)
        {
            var above = Vector512
                .GreaterThanOrEqual(
                    Vector512.Create(scores.Slice(i, Vector512<float>.Count)), Vector512.Create(threshold))
                .ExtractMostSignificantBits();
            for (; above != 0; above &= above - 1)
            {
                var lane = i + BitOperations.TrailingZeroCount(above);
                found.Add(new SimilarPair(row, first + lane, scores[lane]));
            }
        }

        for (; i < scores.Length; i++)
        {
            if (scores[i] >= threshold)
            {
                found.Add(new SimilarPair(row, first + i, scores[i]));
            }
        }
    }
}
