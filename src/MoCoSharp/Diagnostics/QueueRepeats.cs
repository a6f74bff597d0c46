using MoCoSharp.Data.Loading;

namespace MoCoSharp.Diagnostics;

/// <summary>
/// How many keys of the queue are of the same images as a batch. Orders are functions of seed and epoch, so nothing is
/// kept for a resume.
/// </summary>
/// <param name="seed">Seed of the run.</param>
/// <param name="images">M, images in the data set.</param>
/// <param name="batchSize">N.</param>
/// <param name="remembered">
/// Images whose keys the queue holds when it is full: K, or half of it where both views are keys.
/// </param>
internal sealed class QueueRepeats(long seed, int images, int batchSize, long remembered)
{
    private readonly Dictionary<int, int[]> _places = []; // by epoch: where in its order an image stood

    /// <summary>Keys of a batch's own images in the queue at its time, a query on average.</summary>
    /// <param name="indices">The batch's images.</param>
    /// <param name="epoch">From 0.</param>
    /// <param name="batch">Of the epoch, from 0.</param>
    public double Mean(IReadOnlyList<int> indices, int epoch, int batch)
    {
        var perEpoch = (long)(images / batchSize) * batchSize; // the last, smaller batch is dropped
        var now = (long)batch * batchSize;                      // images of this epoch before this batch
        long found = 0;
        foreach (
            var old in _places
                .Keys.Where(known => known > epoch || (long)(epoch - known - 1) * perEpoch + now > remembered)
                .ToList())
        {
            _places.Remove(old);
        }

        // Image x of an earlier epoch is in the queue where fewer than `remembered` images have come since.
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
