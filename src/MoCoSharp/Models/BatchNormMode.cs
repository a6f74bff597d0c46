using MoCoSharp.Distributed;

namespace MoCoSharp.Models;

/// <summary>
/// How the BatchNorm layers of an encoder treat one pass in training. In evaluation it has no effect.
/// </summary>
internal sealed record BatchNormMode
{
    /// <summary>S groups of the batch, which update the running statistics.</summary>
    public static BatchNormMode Default { get; } = new();

    /// <summary>Whether the input is one group, whatever S is: for passes that take the groups one by one.</summary>
    public bool SingleGroup { get; init; }

    /// <summary>
    /// Whether the pass updates the running statistics. False where activations are computed a second time for their
    /// gradient.
    /// </summary>
    public bool UpdatesRunningStatistics { get; init; } = true;

    /// <summary>The ranks whose global batch is one group; null takes this process's batch alone.</summary>
    public IProcessGroup? SyncGroup { get; init; }
}
