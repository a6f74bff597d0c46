using MoCoSharp.Data.Datasets;
using MoCoSharp.Data.Loading;
using MoCoSharp.Distributed;
using MoCoSharp.Runs;

namespace MoCoSharp.Training;

/// <summary>Counts left-out images of all ranks: since the last report, and since this process started.</summary>
/// <param name="data">Gives the names of the images.</param>
/// <param name="group">The ranks.</param>
/// <param name="pending">Images that the first rank left out before a resume and did not report yet.</param>
internal sealed class LeftOutCounter(IImageDataset data, IProcessGroup group, IReadOnlyList<LostTurn> pending)
{
    private const int MostNamed = 10_000; // in the whole process

    private readonly List<LostTurn> _pending =
    [
        .. group.Rank == 0 ? pending.Where(turn => turn.Index < data.Count) : [],
    ];
    private readonly SortedSet<int> _broken = [];
    private readonly SortedSet<int> _unreadable = [];
    private (long Broken, long Unreadable) _turns;

    /// <summary>Images that this rank left out since the last report.</summary>
    public IReadOnlyList<LostTurn> Pending => [.. _pending];

    /// <summary>
    /// The total since this process started: reported images of all ranks, and pending images of this rank.
    /// </summary>
    public LeftOut Total
    {
        get
        {
            int[] broken = [.. _broken.Union(IndicesOf(_pending, isBroken: true)).Order()];
            int[] unreadable = [.. _unreadable.Union(IndicesOf(_pending, isBroken: false)).Order()];
            var turns = (
                Broken: _turns.Broken + _pending.Count(turn => turn.IsBroken),
                Unreadable: _turns.Unreadable + _pending.Count(turn => !turn.IsBroken));
            return new LeftOut(turns.Broken, turns.Unreadable)
            {
                Broken = Names(broken),
                Unreadable = Names(unreadable),
                HasMore = Math.Max(broken.Length, unreadable.Length) > MostNamed,
            };
        }
    }

    public void Add(IReadOnlyList<BadImage> leftOut) =>
        _pending.AddRange(leftOut.Select(bad => new LostTurn(bad.Index, !bad.MayPass)));

    /// <summary>
    /// Collects the images that all ranks left out since the last report; null if none. Every rank must call this after
    /// the same step.
    /// </summary>
    public LeftOut? Take()
    {
        List<LostTurn> all = group.Size == 1
            ? _pending
            : [.. GroupText.Gather(group, string.Join(' ', _pending)).SelectMany(LostTurn.Parse)];
        if (all.Count == 0)
        {
            return null;
        }

        int[] broken = [.. IndicesOf(all, isBroken: true)];
        int[] unreadable = [.. IndicesOf(all, isBroken: false)];
        _turns = (_turns.Broken + broken.Length, _turns.Unreadable + unreadable.Length);
        _broken.UnionWith(broken);
        _unreadable.UnionWith(unreadable);
        _pending.Clear();
        return new LeftOut(broken.Length, unreadable.Length)
        {
            Broken = Names(broken.Distinct()),
            Unreadable = Names(unreadable.Distinct()),
        };
    }

    private static IEnumerable<int> IndicesOf(IEnumerable<LostTurn> turns, bool isBroken) =>
        turns.Where(turn => turn.IsBroken == isBroken).Select(turn => turn.Index);

    private string[] Names(IEnumerable<int> indices) => [.. indices.Take(MostNamed).Select(data.NameOf)];
}
