using MoCoSharp.Distributed;
using MoCoSharp.Distributed.Mpi;
using TorchSharp;
using static TorchSharp.torch;

namespace MoCoSharp.MpiChecks;

/// <summary>What a check found wrong.</summary>
public sealed class CheckException(string message) : Exception(message);

/// <summary>
/// Everything that is checked on real processes, by name. A check makes the same calls on every rank, whatever it
/// finds.
/// </summary>
public static partial class Checks
{
    public static IReadOnlyList<(string Name, Action<IProcessGroup> Check)> All { get; } =
    [
        ("sum", Sum), ("gather", Gather), ("broadcast", Broadcast), ("text", Text), ("pieces", Pieces),
        ("order", Order), ("refusals", Refusals),
        ("moco", MoCoAsOneProcess), ("moco symmetric", MoCoSymmetric), ("moco groups", MoCoMoreGroups),
        ("moco sync", MoCoSyncNorm), ("moco sync recomputed", MoCoSyncNormRecomputed),
        ("nt-xent", NtXentGathers), ("simclr groups", SimClrGroups), ("simclr cached", SimClrCached),
        ("features", SharedFeatures), ("knn", Neighbors), ("linear", Linear), ("ranks differ", RanksDiffer),
        ("views", Views),
    ];

    /// <summary>Those that mean more on four processes than on two.</summary>
    public static IReadOnlyList<string> OfFour { get; } =
    ["sum", "gather", "order", "pieces", "moco", "moco sync", "nt-xent", "features"];

    private static void Demand(bool condition, string otherwise)
    {
        if (!condition)
        {
            throw new CheckException(otherwise);
        }
    }

    private static void Sum(IProcessGroup group)
    {
        foreach (var type in new[] { float32, float64, int64 })
        {
            using var values = arange(1000, dtype: type) + group.Rank;
            group.AllReduceSum(values);
            using var expected = (arange(1000, dtype: type) * group.Size) + (group.Size * (group.Size - 1) / 2);
            Demand(values.equal(expected).all().item<bool>(), $"the sum of {type} is {values[0].ToDouble()} and so on");
        }
    }

    private static void Gather(IProcessGroup group)
    {
        foreach (var type in new[] { float32, bfloat16, int64, @bool })
        {
            using var mine = full([2, 3], group.Rank % 2, dtype: type);
            using var all = group.AllGather(mine.t()); // not contiguous
            Demand(all.shape.SequenceEqual([group.Size, 3, 2]) && all.dtype == type, $"gathered {all}");
            for (var rank = 0; rank < group.Size; rank++)
            {
                Demand(all[rank].to(int64).eq(rank % 2).all().item<bool>(), $"rank {rank}'s {type} are not its own");
            }
        }
    }

    private static void Broadcast(IProcessGroup group)
    {
        for (var root = 0; root < group.Size; root++)
        {
            using var values = full([5], group.Rank, dtype: bfloat16);
            group.Broadcast(values, root);
            Demand(values.eq(root).all().item<bool>(), $"not the values of {root}");
        }
    }

    private static void Text(IProcessGroup group)
    {
        var texts = GroupText.Gather(group, new string('ß', group.Rank));
        Demand(
            texts.Select(text => text.Length).SequenceEqual(Enumerable.Range(0, group.Size)),
            string.Join(",", texts));
        Demand(
            GroupText.Broadcast(group, $"from {group.Rank}", root: group.Size - 1) == $"from {group.Size - 1}",
            "another rank's text");
        Demand(GroupText.Gather(group, "").All(text => text.Length == 0), "texts where there are none");
    }

    // As with more than 2^31 - 1 elements, in small.
    private static void Pieces(IProcessGroup group)
    {
        var mpi = (MpiGroup)group;
        var whole = mpi.LargestCount;
        mpi.LargestCount = 100;
        try
        {
            using var values = arange(1001, dtype: float64) * (group.Rank + 1);
            using var all = group.AllGather(values);
            for (var rank = 0; rank < group.Size; rank++)
            {
                Demand(
                    all[rank].equal(arange(1001, dtype: float64) * (rank + 1)).all().item<bool>(),
                    $"gathered in pieces, rank {rank}'s values are others");
            }

            group.AllReduceSum(values);
            Demand(
                values.equal(arange(1001, dtype: float64) * (group.Size * (group.Size + 1) / 2)).all().item<bool>(),
                "summed in pieces, the sum is another");
            group.Broadcast(values, 0);
            Demand(
                values[1000].ToDouble() == 1000 * (group.Size * (group.Size + 1) / 2),
                "broadcast in pieces, the values are others");
        }
        finally
        {
            mpi.LargestCount = whole;
        }
    }

    // Sums that are under way while the thread goes on, and other calls after them.
    private static void Order(IProcessGroup group)
    {
        var tensors = Enumerable.Range(1, 20).Select(i => full([i * 1000], i + group.Rank, dtype: float32)).ToList();
        var waits = tensors.Select(group.BeginAllReduceSum).ToList();
        group.Barrier();
        foreach (var (tensor, i) in tensors.Select((tensor, i) => (tensor, i + 1)))
        {
            waits[i - 1]();
            Demand(
                tensor.eq((i * group.Size) + (group.Size * (group.Size - 1) / 2)).all().item<bool>(),
                $"sum {i} is {tensor[0].ToSingle()}");
            tensor.Dispose();
        }

        Demand(
            ((MpiGroup)group).LocalRank == group.Rank,
            $"local rank {group.LocalRank} of rank {group.Rank} on one machine");
    }

    private static void Refusals(IProcessGroup group)
    {
        Demand(Throws(() => group.AllReduceSum(zeros(3, dtype: int32))), "int32 was added");
        Demand(Throws(() => group.AllReduceSum(zeros(3, 4).t())), "a tensor that is not contiguous was added");
        Demand(Throws(() => group.Broadcast(zeros(3), group.Size)), "a rank that is none broadcast");

        static bool Throws(Action action)
        {
            try
            {
                action();
                return false;
            }
            catch (ArgumentException)
            {
                return true;
            }
        }
    }
}
