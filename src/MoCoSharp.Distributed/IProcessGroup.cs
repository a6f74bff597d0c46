using TorchSharp;
using static TorchSharp.torch;

namespace MoCoSharp.Distributed;

/// <summary>The processes that train one model together; one process is simply a group of one.</summary>
/// <remarks>Every member makes the same calls in the same order, with tensors of the same shape and type.</remarks>
public interface IProcessGroup : IDisposable
{
    /// <summary>This process among all, 0 to Size - 1.</summary>
    int Rank { get; }

    /// <summary>Number of processes.</summary>
    int Size { get; }

    /// <summary>This process among those of its machine.</summary>
    int LocalRank { get; }

    /// <summary>
    /// Replaces a contiguous tensor by its sum over all ranks, in place; to the bit the same on each.
    /// </summary>
    void AllReduceSum(Tensor tensor);

    /// <summary>The same, begun while this thread goes on. Every rank begins these in the same order.</summary>
    /// <param name="tensor">Left alone until it is done.</param>
    /// <returns>Waits until it is done; called once, in the order of the beginnings.</returns>
    Action BeginAllReduceSum(Tensor tensor) => () => AllReduceSum(tensor);

    /// <summary>Every rank's tensor, in rank order.</summary>
    /// <param name="tensor">Shape [N, ...].</param>
    /// <returns>Shape [Size, N, ...].</returns>
    Tensor AllGather(Tensor tensor);

    /// <summary>Overwrites a tensor by that of one rank, in place.</summary>
    void Broadcast(Tensor tensor, int root);

    /// <summary>Waits until every rank is here.</summary>
    void Barrier();

    /// <summary>Ends the work of every rank, because this one cannot go on.</summary>
    void Abort(string reason);

    /// <summary>
    /// Seconds that this rank's thread has waited in these calls since the last question: what joining costs.
    /// </summary>
    double TakeWaitedSeconds() => 0;
}

/// <summary>How a global batch lies over ranks: rank r holds the samples i with i mod Size = r.</summary>
internal static class BatchOrder
{
    /// <summary>The global batch, from every rank's share.</summary>
    /// <param name="group">The ranks.</param>
    /// <param name="share">This rank's samples. Shape [N / Size, ...].</param>
    /// <returns>Shape [N, ...], sample i of the batch in row i.</returns>
    public static Tensor Gather(IProcessGroup group, Tensor share)
    {
        ArgumentNullException.ThrowIfNull(group);
        ArgumentNullException.ThrowIfNull(share);
        if (group.Size == 1)
        {
            return share.alias();
        }

        using var scope = NewDisposeScope();
        return group.AllGather(share).transpose(0, 1).flatten(0, 1).MoveToOuterDisposeScope();
    }

    /// <summary>This rank's rows of something in batch order.</summary>
    /// <param name="group">The ranks.</param>
    /// <param name="batch">Shape [N, ...].</param>
    /// <returns>Shape [N / Size, ...].</returns>
    public static Tensor Share(IProcessGroup group, Tensor batch)
    {
        ArgumentNullException.ThrowIfNull(group);
        ArgumentNullException.ThrowIfNull(batch);
        return group.Size == 1 ? batch.alias() : batch.slice(0, group.Rank, batch.shape[0], group.Size);
    }
}
