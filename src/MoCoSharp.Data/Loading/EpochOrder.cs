using MoCoSharp.Data.Views;

namespace MoCoSharp.Data.Loading;

/// <summary>The order of the images in an epoch.</summary>
public static class EpochOrder
{
    // No image has this index, so the order shares no random number with a view.
    private const long OrderStream = -1;

    /// <summary>All images in random order: the same for the same arguments, on any machine.</summary>
    /// <param name="count">Number of images, M.</param>
    /// <param name="seed">Seed of the run.</param>
    /// <param name="epoch">From 0.</param>
    /// <returns>A permutation of 0 to M - 1. Length M.</returns>
    public static int[] Shuffled(int count, long seed, int epoch)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(count);
        int[] order = [.. Enumerable.Range(0, count)];
        new SampleRandom(seed, epoch, OrderStream, OrderStream).Shuffle(order.AsSpan());
        return order;
    }
}
