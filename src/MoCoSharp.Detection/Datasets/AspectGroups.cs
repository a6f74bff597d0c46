using MoCoSharp.Data.Views;

namespace MoCoSharp.Detection.Datasets;

/// <summary>
/// An image of a batch: which, and at which place of the endless stream, which fixes how it is scaled and mirrored.
/// </summary>
internal readonly record struct StreamItem(int Index, long Position);

/// <summary>
/// An endless stream of batches: each epoch in an order of its own, wide images in batches with wide ones and tall ones
/// with tall ones, so that little is padded.
/// </summary>
/// <remarks>
/// As detectron2: an image goes to the batch of its kind that is being filled, and a full batch leaves; what is not
/// full waits for the next epoch. The stream is a function of the seed alone, so that a batch is found again after a
/// resume by counting.
/// </remarks>
internal static class AspectGroups
{
    /// <summary>Batches from one on, without end.</summary>
    /// <param name="isWide">By image: whether it is wider than tall.</param>
    /// <param name="batchSize">Images in each.</param>
    /// <param name="seed">Fixes the order.</param>
    /// <param name="first">Batches that went before.</param>
    public static IEnumerable<StreamItem[]> Batches(IReadOnlyList<bool> isWide, int batchSize, long seed, long first)
    {
        ArgumentNullException.ThrowIfNull(isWide);
        ArgumentOutOfRangeException.ThrowIfZero(isWide.Count, nameof(isWide));
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(batchSize);
        List<StreamItem>[] open = [[], []];
        var made = 0L;
        var position = 0L;
        int[] order = [.. Enumerable.Range(0, isWide.Count)];
        for (var epoch = 0; ; epoch++)
        {
            for (var i = 0; i < order.Length; i++)
            {
                order[i] = i;
            }

            RandomStreams.AspectOrder(seed, epoch).Shuffle(order.AsSpan());
            foreach (var index in order)
            {
                var batch = open[isWide[index] ? 0 : 1];
                batch.Add(new StreamItem(index, position++));
                if (batch.Count == batchSize)
                {
                    if (made++ >= first)
                    {
                        yield return [.. batch];
                    }

                    batch.Clear();
                }
            }
        }
    }
}
