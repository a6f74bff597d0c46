using MoCoSharp.Data.Loading;
using MoCoSharp.Distributed;
using TorchSharp;
using static TorchSharp.torch;

namespace MoCoSharp.Features;

/// <summary>
/// Computes features on several ranks. Rank k mod ranks computes block k. After each round of blocks, every rank has
/// all features of the round, in data set order.
/// </summary>
/// <param name="group">More than one rank.</param>
/// <param name="count">Images in the data set, M.</param>
/// <param name="largest">Most images in a block.</param>
internal sealed class FeatureShards(IProcessGroup group, int count, int largest)
{
    private readonly int _block = Math.Clamp((count + group.Size - 1) / group.Size, 1, largest);

    /// <summary>Computes the features.</summary>
    /// <param name="load">(images, batch size, stop) -> batches of these images, without broken ones.</param>
    /// <param name="make">Computes the features of a batch, and disposes the batch.</param>
    /// <param name="take">Receives every batch, on every rank.</param>
    /// <param name="cancellation">Cancellation on any rank ends the work on all.</param>
    public void Run(
        Func<IReadOnlyList<int>, int, CancellationToken, IEnumerable<ViewBatch>> load,
        Action<ViewBatch, Action<FeatureBatch>> make,
        Action<FeatureBatch> take,
        CancellationToken cancellation)
    {
        List<int> mine = [.. Enumerable.Range(0, count).Where(index => index / _block % group.Size == group.Rank)];
        var rounds = (count + (_block * group.Size) - 1) / (_block * group.Size);
        // not the caller's token: if one rank left, the others would wait for it
        using var left = new CancellationTokenSource();
        using var batches = load(mine, _block, left.Token).GetEnumerator();
        var width = 0L;
        var waiting = batches.MoveNext();
        for (var round = 0; round < rounds; round++)
        {
            using var scope = NewDisposeScope();
            var made = new FeatureBatch(zeros(0, 0), [], []);
            // otherwise every image of this block is broken
            if (waiting && batches.Current.Indices[0] / (_block * group.Size) == round)
            {
                make(batches.Current, batch => made = batch with { Values = batch.Values.MoveToOuterDisposeScope() });
                waiting = batches.MoveNext();
            }

            if (GroupRows.AnyRank(group, cancellation.IsCancellationRequested))
            {
                left.Cancel();
                throw new OperationCanceledException();
            }

            width = Math.Max(width, Widest(made.Values.shape[1]));
            var values = made.Indices.Length > 0 ? made.Values : zeros(0, width);
            var numbers = tensor(
                made.Indices.Zip(made.Labels).SelectMany(pair => new[] { (long)pair.First, pair.Second }).ToArray(),
                [made.Indices.Length, 2]);
            var (rows, of) = GroupRows.Gather(group, values, numbers);
            if (rows.shape[0] > 0)
            {
                var pairs = of.data<long>().ToArray();
                take(
                    new FeatureBatch(
                        rows,
                        [.. pairs.Where((_, i) => i % 2 == 1).Select(label => (int)label)],
                        [.. pairs.Where((_, i) => i % 2 == 0).Select(index => (int)index)]));
            }
        }
    }

    private long Widest(long width)
    {
        using var scope = NewDisposeScope();
        return group.AllGather(tensor([width])).max().item<long>();
    }
}
