using MoCoSharp.Distributed;
using MoCoSharp.Models;

namespace MoCoSharp.Methods;

/// <summary>What must hold before a method is made, whichever it is.</summary>
internal static class MethodFaults
{
    /// <exception cref="ArgumentException">The options have faults, all of which are named, or ranks do not divide the BN groups.</exception>
    public static void ThrowIfAny(EncoderOptions encoder, IMethodOptions options, int bnGroups, IProcessGroup group)
    {
        ArgumentNullException.ThrowIfNull(encoder);
        ArgumentNullException.ThrowIfNull(options);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(bnGroups);
        TorchRuntime.Load();
        List<string> faults = [.. options.Faults()];
        if (encoder.Head == EncoderHead.None)
        {
            faults.Add("encoder.head is none, for encoders whose head was left behind: pre-training wants linear (MoCo v1) or mlp (MoCo v2).");
        }

        if (bnGroups % group.Size != 0)
        {
            faults.Add($"{bnGroups} BN groups do not divide over {group.Size} processes: expected a multiple of {group.Size}.");
        }

        if (faults.Count > 0)
        {
            throw new ArgumentException(string.Join(" ", faults));
        }
    }
}
