using MoCoSharp.Data.Datasets;
using MoCoSharp.Data.Loading;
using MoCoSharp.Distributed;
using MoCoSharp.Runs;

namespace MoCoSharp.Training;

/// <summary>
/// Counts the turns that images lost: since the report before, and since this process began; of all ranks.
/// </summary>
/// <param name="data">Names the images.</param>
/// <param name="group">The ranks.</param>
/// <param name="pending">Lost before a resume and not reported yet, by the first rank.</param>
internal sealed class LeftOutCounter(IImageDataset data, IProcessGroup group, IReadOnlyList<LostTurn> pending)
{
    private const int MostNamed = 10_000; // of a whole process

    private readonly List<LostTurn> _pending =
    [
        .. group.Rank == 0 ? pending.Where(turn => turn.Index < data.Count) : [],
    ];
    private readonly SortedSet<int> _broken = [];
    private readonly SortedSet<int> _unreadable = [];
    private (long Broken, long Unreadable) _turns;

    /// <summary>This rank's turns since the report before.</summary>
    public IReadOnlyList<LostTurn> Pending => [.. _pending];

    /// <summary>Since this process began: of all ranks what was reported, of this one everything.</summary>
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
    /// What came together since the report before, on all ranks; null where nothing did. Every rank calls this after
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
