using MoCoSharp.Data.Loading;
using MoCoSharp.Distributed;
using TorchSharp;
using static TorchSharp.torch;

namespace MoCoSharp.Features;

/// <summary>
/// Features of a set made by several ranks: block k of it by rank k mod ranks, and after each round of blocks all have
/// them all, in the order of the set.
/// </summary>
/// <param name="group">More than one rank.</param>
/// <param name="count">M.</param>
/// <param name="largest">Images in a block at most.</param>
internal sealed class FeatureShards(IProcessGroup group, int count, int largest)
{
    private readonly int _block = Math.Clamp((count + group.Size - 1) / group.Size, 1, largest);

    /// <summary>Makes them.</summary>
    /// <param name="load">(images, batch size, stop) -> batches of these images; broken ones are missing.</param>
    /// <param name="make">Hands on the features of a batch, and disposes it.</param>
    /// <param name="take">Given every batch, on every rank.</param>
    /// <param name="cancellation">On any rank it ends the work on all.</param>
    public void Run(
        Func<IReadOnlyList<int>, int, CancellationToken, IEnumerable<ViewBatch>> load,
        Action<ViewBatch, Action<FeatureBatch>> make,
        Action<FeatureBatch> take,
        CancellationToken cancellation)
    {
        List<int> mine = [.. Enumerable.Range(0, count).Where(index => index / _block % group.Size == group.Rank)];
        var rounds = (count + (_block * group.Size) - 1) / (_block * group.Size);
        // not the caller's: a rank that left alone would leave the others waiting
        using var left = new CancellationTokenSource();
        using var batches = load(mine, _block, left.Token).GetEnumerator();
        var width = 0L;
        var waiting = batches.MoveNext();
        for (var round = 0; round < rounds; round++)
        {
            using var scope = NewDisposeScope();
            var made = new FeatureBatch(zeros(0, 0), [], []);
            // else every image of this round's block is broken
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
