using MoCoSharp.Data.Datasets;
using MoCoSharp.Data.Views;

namespace MoCoSharp.Data.Loading;

/// <summary>The order of the images in an epoch.</summary>
internal static class EpochOrder
{
    /// <summary>All images in random order. The same arguments give the same order on every machine.</summary>
    /// <param name="count">Number of images, M.</param>
    /// <param name="seed">Seed of the run.</param>
    /// <param name="epoch">From 0.</param>
    /// <returns>A permutation of 0 to M - 1. Length M.</returns>
    public static int[] Shuffled(int count, long seed, int epoch)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(count);
        int[] order = [.. Enumerable.Range(0, count)];
        RandomStreams.EpochOrder(seed, epoch).Shuffle(order.AsSpan());
        return order;
    }

    /// <summary>
    /// The shards in random order, and the images shuffled within windows of several shards, so that the disk reads a
    /// few files at a time. A pure function of the arguments, so a run can resume anywhere with any number of workers.
    /// </summary>
    /// <param name="shardStarts">The index of each shard's first image, ascending, from 0.</param>
    /// <param name="count">Number of images, M.</param>
    /// <param name="window">Minimum number of images that are shuffled together; 0 for all.</param>
    /// <param name="seed">Seed of the run.</param>
    /// <param name="epoch">From 0.</param>
    /// <returns>A permutation of 0 to M - 1. Length M.</returns>
    public static int[] InWindows(IReadOnlyList<int> shardStarts, int count, int window, long seed, int epoch)
    {
        ArgumentNullException.ThrowIfNull(shardStarts);
        ArgumentOutOfRangeException.ThrowIfNegative(window);
        if (window == 0 || window >= count)
        {
            return Shuffled(count, seed, epoch);
        }

        var random = RandomStreams.EpochOrder(seed, epoch);
        int[] shards = [.. Enumerable.Range(0, shardStarts.Count)];
        random.Shuffle(shards.AsSpan());
        var order = new int[count];
        var (begin, end) = (0, 0);
        foreach (var shard in shards)
        {
            var (first, next) = (shardStarts[shard], shard + 1 < shardStarts.Count ? shardStarts[shard + 1] : count);
            for (var index = first; index < next; index++)
            {
                order[end++] = index;
            }

            // A short rest at the end joins the last window.
            if (end - begin >= window && count - end >= window)
            {
                random.Shuffle(order.AsSpan(begin, end - begin));
                begin = end;
            }
        }

        random.Shuffle(order.AsSpan(begin, end - begin));
        return order;
    }

    /// <summary>The order of a set: in windows if it consists of shards.</summary>
    internal static int[] Of(IImageDataset data, LoaderOptions options, long seed, int epoch) =>
        data is IShardedImages shards
        ? InWindows(shards.ShardStarts, data.Count, options.ShuffleWindow, seed, epoch)
        : Shuffled(data.Count, seed, epoch);
}
