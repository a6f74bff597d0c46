using MoCoSharp.Distributed;
using MoCoSharp.Models;

namespace MoCoSharp.Methods;

/// <summary>The arguments to build a method, besides its options.</summary>
/// <param name="Encoder">The encoder's architecture.</param>
/// <param name="Images">M, the number of images in the data set. A memory bank has one row for each.</param>
/// <param name="BnGroups">BN groups of the global batch; a multiple of the number of ranks.</param>
/// <param name="Seed">Fixes the initial weights and every later draw.</param>
/// <param name="Group">The ranks that train together.</param>
/// <param name="SyncNorm">Whether BatchNorm normalizes the global batch of all ranks as one group.</param>
public sealed record MethodBuild(
    EncoderOptions Encoder, int Images, int BnGroups, long Seed, IProcessGroup Group, bool SyncNorm = false);
