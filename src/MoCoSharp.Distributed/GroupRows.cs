using TorchSharp;
using static TorchSharp.torch;

namespace MoCoSharp.Distributed;

/// <summary>
/// Gathers rows of which each rank has a different number: evaluations keep the last batch and leave out broken images.
/// </summary>
internal static class GroupRows
{
    /// <summary>The rows of all ranks, in rank order.</summary>
    /// <param name="group">The ranks.</param>
    /// <param name="rows">
    /// This rank's rows. Shape [n, ...], n &gt;= 0 as in <paramref name="numbers"/>. The other sizes are the same on
    /// every rank.
    /// </param>
    /// <param name="numbers">Numbers for each row, of any meaning. Shape [n, m], int64.</param>
    /// <returns>Shapes [N, ...] and [N, m].</returns>
    public static (Tensor Rows, Tensor Numbers) Gather(IProcessGroup group, Tensor rows, Tensor numbers)
    {
        ArgumentNullException.ThrowIfNull(group);
        ArgumentNullException.ThrowIfNull(rows);
        ArgumentNullException.ThrowIfNull(numbers);
        using var noGrad = no_grad();
        using var scope = NewDisposeScope();
        var counts = group.AllGather(tensor([rows.shape[0]])).flatten().data<long>().ToArray();
        return (Join(rows).MoveToOuterDisposeScope(), Join(numbers).MoveToOuterDisposeScope());

        Tensor Join(Tensor mine)
        {
            var padded = zeros([counts.Max(), .. mine.shape[1..]], dtype: mine.dtype);
            padded.narrow(0, 0, mine.shape[0]).copy_(mine);
            var all = group.AllGather(padded);
            return cat([.. counts.Select((count, rank) => all[rank].narrow(0, 0, count))]);
        }
    }

    /// <summary>Whether <paramref name="mine"/> is true on any rank. Every rank gets the same answer.</summary>
    public static bool AnyRank(IProcessGroup group, bool mine)
    {
        ArgumentNullException.ThrowIfNull(group);
        if (group.Size == 1)
        {
            return mine;
        }

        using var scope = NewDisposeScope();
        var sum = tensor([mine ? 1L : 0L]);
        group.AllReduceSum(sum);
        return sum[0].item<long>() > 0;
    }
}
