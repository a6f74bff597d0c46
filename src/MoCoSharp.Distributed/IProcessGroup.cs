using TorchSharp;
using static TorchSharp.torch;

namespace MoCoSharp.Distributed;

/// <summary>The processes that train one model together. A single process is a group of one.</summary>
/// <remarks>Every member makes the same calls in the same order, with tensors of the same shape and type.</remarks>
public interface IProcessGroup : IDisposable
{
    /// <summary>Number of this process, 0 to Size - 1.</summary>
    int Rank { get; }

    /// <summary>Number of processes.</summary>
    int Size { get; }

    /// <summary>Number of this process on its machine.</summary>
    int LocalRank { get; }

    /// <summary>
    /// Replaces a contiguous tensor by its sum over all ranks, in place. All ranks get the same bits.
    /// </summary>
    void AllReduceSum(Tensor tensor);

    /// <summary>
    /// Begins <see cref="AllReduceSum"/> without waiting. Every rank begins these sums in the same order.
    /// </summary>
    /// <param name="tensor">Must not be used until the sum is complete.</param>
    /// <returns>Waits for the sum. Call it once, in the order of the beginnings.</returns>
    Action BeginAllReduceSum(Tensor tensor) => () => AllReduceSum(tensor);

    /// <summary>Every rank's tensor, in rank order.</summary>
    /// <param name="tensor">Shape [N, ...].</param>
    /// <returns>Shape [Size, N, ...].</returns>
    Tensor AllGather(Tensor tensor);

    /// <summary>Overwrites a tensor with that of one rank, in place.</summary>
    void Broadcast(Tensor tensor, int root);

    /// <summary>Every rank's text, in rank order.</summary>
    IReadOnlyList<string> Gather(string text) => GroupText.Gather(this, text);

    /// <summary>The text of one rank, on every rank.</summary>
    string Broadcast(string text, int root = 0) => GroupText.Broadcast(this, text, root);

    /// <summary>Waits until every rank has called this.</summary>
    void Barrier();

    /// <summary>Ends all ranks because this one cannot continue.</summary>
    void Abort(string reason);

    /// <summary>
    /// Seconds that this rank's thread has waited in these calls since the last call of this method.
    /// </summary>
    double TakeWaitedSeconds() => 0;
}

/// <summary>The order of a global batch over ranks: rank r holds the samples i with i mod Size = r.</summary>
internal static class BatchOrder
{
    /// <summary>Gathers the global batch from the samples of all ranks.</summary>
    /// <param name="group">The ranks.</param>
    /// <param name="share">This rank's samples. Shape [N / Size, ...].</param>
    /// <returns>Sample i of the batch is in row i. Shape [N, ...].</returns>
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

    /// <summary>This rank's rows of a global batch.</summary>
    /// <param name="group">The ranks.</param>
    /// <param name="batch">Shape [N, ...].</param>
    /// <returns>Shape [N / Size, ...].</returns>
    public static Tensor LocalShard(IProcessGroup group, Tensor batch)
    {
        ArgumentNullException.ThrowIfNull(group);
        ArgumentNullException.ThrowIfNull(batch);
        return group.Size == 1 ? batch.alias() : batch.slice(0, group.Rank, batch.shape[0], group.Size);
    }
}
