using MoCoSharp.Data.Views;

namespace MoCoSharp.Detection.Datasets;

/// <summary>
/// An image of a batch. Its position in the endless stream of images fixes its scale and flip.
/// </summary>
internal readonly record struct StreamItem(int Index, long Position);

/// <summary>
/// An endless stream of batches. Each epoch has its own order. Wide images are batched with wide ones and tall images
/// with tall ones, so that little padding is needed.
/// </summary>
/// <remarks>
/// As in detectron2: each image joins the open batch of its kind, a full batch is returned, and a partial batch waits
/// for the next epoch. The stream is a function of the seed alone, so a resume finds a batch again by counting.
/// </remarks>
internal static class AspectGroups
{
    /// <summary>The batches from a given one on, without end.</summary>
    /// <param name="isWide">For each image, whether it is wider than tall.</param>
    /// <param name="batchSize">Images in each batch.</param>
    /// <param name="seed">Fixes the order.</param>
    /// <param name="first">Number of batches to skip.</param>
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
