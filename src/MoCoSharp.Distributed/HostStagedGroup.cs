using TorchSharp;
using static TorchSharp.torch;

namespace MoCoSharp.Distributed;

/// <summary>Ranks whose tensors are on a GPU and travel through the memory of the host.</summary>
/// <remarks>For ranks that share a GPU, where NCCL cannot join them. Each call waits for the device.</remarks>
/// <param name="host">Sends tensors on the CPU. Disposed with this group.</param>
internal sealed class HostStagedGroup(IProcessGroup host) : IProcessGroup
{
    /// <inheritdoc/>
    public int Rank => host.Rank;

    /// <inheritdoc/>
    public int Size => host.Size;

    /// <inheritdoc/>
    public int LocalRank => host.LocalRank;

    /// <inheritdoc/>
    public void AllReduceSum(Tensor tensor)
    {
        ArgumentNullException.ThrowIfNull(tensor);
        Change(tensor, host.AllReduceSum);
    }

    /// <inheritdoc/>
    public Tensor AllGather(Tensor tensor)
    {
        ArgumentNullException.ThrowIfNull(tensor);
        using var noGrad = no_grad();
        using var scope = NewDisposeScope();
        return host.AllGather(tensor.detach().cpu()).to(tensor.device).MoveToOuterDisposeScope();
    }

    /// <inheritdoc/>
    public void Broadcast(Tensor tensor, int root)
    {
        ArgumentNullException.ThrowIfNull(tensor);
        Change(tensor, values => host.Broadcast(values, root));
    }

    /// <inheritdoc/>
    public void Barrier() => host.Barrier();

    /// <inheritdoc/>
    public void Abort(string reason) => host.Abort(reason);

    /// <inheritdoc/>
    public double TakeWaitedSeconds() => host.TakeWaitedSeconds();

    /// <inheritdoc/>
    public void Dispose() => host.Dispose();

    // Applies a change in place to a copy on the host, and copies it back.
    private static void Change(Tensor tensor, Action<Tensor> change)
    {
        if (tensor.device_type == DeviceType.CPU)
        {
            change(tensor);
            return;
        }

        using var noGrad = no_grad();
        using var scope = NewDisposeScope();
        var values = tensor.detach().cpu().contiguous();
        change(values);
        tensor.copy_(values);
    }
}
