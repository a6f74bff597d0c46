using MoCoSharp.Distributed;

namespace MoCoSharp.Models;

/// <summary>
/// How the BatchNorm layers of an encoder treat one pass in training. In evaluation it has no effect.
/// </summary>
internal sealed record BatchNormMode
{
    /// <summary>S groups per batch; the pass updates the running statistics.</summary>
    public static BatchNormMode Default { get; } = new();

    /// <summary>Whether the input is one group regardless of S: for passes that process one group at a time.</summary>
    public bool SingleGroup { get; init; }

    /// <summary>
    /// Whether the pass updates the running statistics. False when activation checkpointing recomputes activations.
    /// </summary>
    public bool UpdatesRunningStatistics { get; init; } = true;

    /// <summary>The ranks whose global batch is one group; null uses only this process's batch.</summary>
    public IProcessGroup? SyncGroup { get; init; }
}
