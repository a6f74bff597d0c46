using static TorchSharp.torch;

namespace MoCoSharp.Distributed;

/// <summary>A group of one process.</summary>
public sealed class SingleProcess : IProcessGroup
{
    private SingleProcess()
    {
    }

    /// <summary>The only instance.</summary>
    public static SingleProcess Instance { get; } = new();

    /// <inheritdoc/>
    public int Rank => 0;

    /// <inheritdoc/>
    public int Size => 1;

    /// <inheritdoc/>
    public int LocalRank => 0;

    /// <inheritdoc/>
    public void AllReduceSum(Tensor tensor)
    {
    }

    /// <inheritdoc/>
    public Tensor AllGather(Tensor tensor)
    {
        ArgumentNullException.ThrowIfNull(tensor);
        return tensor.unsqueeze(0);
    }

    /// <inheritdoc/>
    public void Broadcast(Tensor tensor, int root) => ArgumentOutOfRangeException.ThrowIfNotEqual(root, 0);

    /// <inheritdoc/>
    public void Barrier()
    {
    }

    /// <inheritdoc/>
    public void Abort(string reason)
    {
    }

    /// <inheritdoc/>
    public void Dispose()
    {
    }
}
