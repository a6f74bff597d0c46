using TorchSharp;
using static TorchSharp.torch;

namespace MoCoSharp.Distributed;

/// <summary>
/// Rows of which every rank has some, not equally many: evaluations leave no image out, and broken ones are missing.
/// </summary>
internal static class GroupRows
{
    /// <summary>Every rank's rows, one rank behind the other.</summary>
    /// <param name="group">The ranks.</param>
    /// <param name="rows">
    /// This rank's. Shape [n, ...] with the same n &gt;= 0 as <paramref name="numbers"/>, and the same further sizes on
    /// every rank.
    /// </param>
    /// <param name="numbers">Of each row, whatever they mean. Shape [n, m], int64.</param>
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

    /// <summary>Whether any rank says so: on every rank the same answer.</summary>
    public static bool Any(IProcessGroup group, bool mine)
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
