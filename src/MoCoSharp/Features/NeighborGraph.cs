using MoCoSharp.Kernels;
using TorchSharp;
using static TorchSharp.torch;

namespace MoCoSharp.Features;

/// <summary>The nearest other images of each image, exactly, by Euclidean distance.</summary>
/// <param name="Count">M, the number of images.</param>
/// <param name="K">Neighbors of each image; the image itself is not one of them.</param>
/// <param name="Indices">The neighbors, image by image, the nearest first. Length M x K.</param>
/// <param name="Distances">Their distances. Length M x K.</param>
internal sealed record NeighborGraph(int Count, int K, int[] Indices, float[] Distances)
{
    private const int QueriesAtOnce = 1024;
    private const int KeysAtOnce = 4096; // 16 MB of scores at a time, for any number of images

    // Implementation note: a matrix product finds candidates quickly, but its rounding depends on the number of
    // threads. Some candidates more than K are measured again, in a fixed order, so that the result does not.
    private const int MoreCandidates = 8;

    /// <summary>The neighbors of one image, the nearest first. Length K.</summary>
    public ReadOnlySpan<int> Of(int image) => Indices.AsSpan(image * K, K);

    /// <summary>Their distances. Length K.</summary>
    public ReadOnlySpan<float> DistancesOf(int image) => Distances.AsSpan(image * K, K);

    /// <summary>Finds the neighbors. Of equal distances, the earlier image counts.</summary>
    /// <param name="rows">The features. L2-normalized rows give the order of their cosines.</param>
    /// <param name="k">1 to M - 1.</param>
    /// <param name="cancellation">Ends the work early.</param>
    public static NeighborGraph Of(HostFeatures rows, int k, CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(rows);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(k);
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(k, rows.Count);
        var graph = new NeighborGraph(rows.Count, k, new int[rows.Count * k], new float[rows.Count * k]);
        var parallel = new ParallelOptions { MaxDegreeOfParallelism = get_num_threads() };
        using var noGrad = no_grad();
        using var scope = NewDisposeScope();
        var all = tensor(rows.Values, [rows.Count, rows.Width]);
        var halfSquares = (all * all).sum(1).mul(Scalars.Held(0.5)); // [M]
        var nearest = Enumerable.Range(0, Math.Min(QueriesAtOnce, rows.Count))
            .Select(_ => new NearestKeys(k + 1 + MoreCandidates))
            .ToArray();
        for (var first = 0; first < rows.Count; first += QueriesAtOnce)
        {
            cancellation.ThrowIfCancellationRequested();
            var start = first;
            var queries = Math.Min(QueriesAtOnce, rows.Count - first);
            Search(all, halfSquares, first, queries, nearest, parallel);
            Parallel.For(0, queries, parallel, query => graph.Measure(rows, start + query, nearest[query].Best()));
        }

        return graph;
    }

    // The highest q k - |k|^2 / 2 are the lowest |q - k|^2.
    private static unsafe void Search(
        Tensor all, Tensor halfSquares, int start, int queries, NearestKeys[] nearest, ParallelOptions parallel)
    {
        foreach (var query in nearest)
        {
            query.Clear();
        }

        for (var first = 0; first < all.shape[0]; first += KeysAtOnce)
        {
            using var block = NewDisposeScope();
            var width = (int)Math.Min(KeysAtOnce, all.shape[0] - first);
            var product = MatMul.TimesTransposed(all.narrow(0, start, queries), all.narrow(0, first, width));
            var scores = product.sub(halfSquares.narrow(0, first, width)).contiguous(); // [queries, width]
            fixed (byte* memory = scores.bytes)
            {
                var (address, key) = ((nint)memory, first);
                Parallel.For(
                    0, queries, parallel,
                    query => nearest[query].Add(
                        new ReadOnlySpan<float>((float*)address + ((long)query * width), width), key));
            }
        }
    }

    private void Measure(HostFeatures rows, int image, IEnumerable<(float Score, int Index)> candidates)
    {
        var measured = candidates
            .Where(candidate => candidate.Index != image)
            .Select(candidate => (
                Distance: HostFeatures.SquaredDistance(rows.Row(image), rows.Row(candidate.Index)), candidate.Index))
            .Order()
            .Take(K);
        var at = image * K;
        foreach (var (distance, index) in measured)
        {
            (Indices[at], Distances[at]) = (index, MathF.Sqrt(distance));
            at++;
        }
    }
}
