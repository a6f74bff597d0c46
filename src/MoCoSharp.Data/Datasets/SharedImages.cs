using System.Collections.Concurrent;

namespace MoCoSharp.Data.Datasets;

/// <summary>Finds identical images in two sets: training images must not be used for validation.</summary>
internal static class SharedImages
{
    /// <summary>Finds images of the second set that are also in the first.</summary>
    /// <param name="first">Training images.</param>
    /// <param name="second">Validation images.</param>
    /// <param name="cancellation">Ends the work early.</param>
    /// <returns>Indices in the second set, ascending, each with an index in the first.</returns>
    /// <remarks>
    /// Files are compared byte by byte, without decoding. Only files whose size occurs in both sets are read. The same
    /// picture in another file format is another image. Sets without file sizes (CIFAR, IDX, packed sets, tar shards)
    /// are compared only with each other.
    /// </remarks>
    /// <exception cref="OperationCanceledException">The work was canceled.</exception>
    public static IReadOnlyList<(int Second, int First)> Find(
        IImageDataset first,
        IImageDataset second,
        CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(first);
        ArgumentNullException.ThrowIfNull(second);
        if (first is ImageSubset { Whole: Patterns })
        {
            return []; // generated images are never the same
        }

        var sizes = Sizes(first, cancellation);
        var asked = Sizes(second, cancellation);
        var both = sizes.ToHashSet();
        both.IntersectWith(asked);
        var known = new Dictionary<UInt128, int>();
        foreach (var (index, hash) in Hashes(first, sizes, both, cancellation))
        {
            known.TryAdd(hash, index);
        }

        return
        [
            .. Hashes(second, asked, both, cancellation)
                .Where(item => known.ContainsKey(item.Hash))
                .Select(item => (item.Index, known[item.Hash])),
        ];
    }

    private static long[] Sizes(IImageDataset data, CancellationToken cancellation)
    {
        var sizes = new long[data.Count];
        Parallel.For(0, sizes.Length, Options(cancellation), i => sizes[i] = data.SizeOf(i));
        return sizes;
    }

    private static IEnumerable<(int Index, UInt128 Hash)> Hashes(
        IImageDataset data, long[] sizes, HashSet<long> sizesRead, CancellationToken cancellation)
    {
        var found = new ConcurrentBag<(int Index, UInt128 Hash)>();
        Parallel.For(0, sizes.Length, Options(cancellation), i =>
        {
            if (
                sizes[i] != 0
                && sizesRead.Contains(sizes[i])
                && ContentHash.OfImage(data, i) is var hash
                && hash != UInt128.Zero)
            {
                found.Add((i, hash));
            }
        });
        return found.OrderBy(item => item.Index);
    }

    private static ParallelOptions Options(CancellationToken cancellation) =>
        new() { CancellationToken = cancellation, MaxDegreeOfParallelism = Environment.ProcessorCount };
}
