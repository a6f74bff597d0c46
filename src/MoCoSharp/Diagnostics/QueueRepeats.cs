using MoCoSharp.Data.Loading;

namespace MoCoSharp.Diagnostics;

/// <summary>
/// Counts the keys in the queue that belong to the images of a batch. The order of images depends only on seed and
/// epoch, so a resumed run needs no state.
/// </summary>
/// <param name="seed">The seed of the run.</param>
/// <param name="images">M, the number of images in the data set.</param>
/// <param name="batchSize">N.</param>
/// <param name="remembered">
/// The number of images whose keys the full queue holds: K, or K / 2 if both views are keys.
/// </param>
internal sealed class QueueRepeats(long seed, int images, int batchSize, long remembered)
{
    private readonly Dictionary<int, int[]> _places = []; // by epoch: the place of each image in the order

    /// <summary>The mean number of keys in the queue that belong to a query's own image.</summary>
    /// <param name="indices">The images of the batch.</param>
    /// <param name="epoch">From 0.</param>
    /// <param name="batch">The batch of the epoch, from 0.</param>
    public double Mean(IReadOnlyList<int> indices, int epoch, int batch)
    {
        var perEpoch = (long)(images / batchSize) * batchSize; // a smaller last batch is dropped
        var now = (long)batch * batchSize;                      // images of this epoch before this batch
        long found = 0;
        bool IsOver(int known) => known > epoch || ((long)(epoch - known - 1) * perEpoch) + now > remembered;
        foreach (var old in _places.Keys.Where(IsOver).ToList())
        {
            _places.Remove(old);
        }

        // An image of an earlier epoch is in the queue if fewer than `remembered` images came since.
        for (
            var earlier = epoch - 1;
            earlier >= 0 && (long)(epoch - earlier - 1) * perEpoch + now < remembered;
            earlier--)
        {
            var places = Places(earlier);
            found += indices.Count(image =>
                places[image] < perEpoch && ((epoch - earlier) * perEpoch) + now - places[image] <= remembered);
        }

        return found / (double)indices.Count;
    }

    private int[] Places(int epoch)
    {
        if (!_places.TryGetValue(epoch, out var places))
        {
            places = new int[images];
            var order = EpochOrder.Shuffled(images, seed, epoch);
            for (var place = 0; place < order.Length; place++)
            {
                places[order[place]] = place;
            }

            _places[epoch] = places;
        }

        return places;
    }
}
