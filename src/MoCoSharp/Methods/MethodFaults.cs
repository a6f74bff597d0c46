using MoCoSharp.Distributed;
using MoCoSharp.Models;

namespace MoCoSharp.Methods;

/// <summary>The checks before any method is built.</summary>
internal static class MethodFaults
{
    /// <summary>The fault of an encoder without a head.</summary>
    public const string NoHead =
        "encoder.head is none, which is for encoders without their head: pre-training needs linear (MoCo v1) or mlp " +
        "(MoCo v2).";

    /// <exception cref="ArgumentException">
    /// The options are invalid (the message lists all faults), or the BN groups are not a multiple of the ranks.
    /// </exception>
    public static void ThrowIfAny(EncoderOptions encoder, IMethodOptions options, int bnGroups, IProcessGroup group)
    {
        ArgumentNullException.ThrowIfNull(encoder);
        ArgumentNullException.ThrowIfNull(options);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(bnGroups);
        TorchRuntime.Load();
        List<string> faults = [.. options.Validate()];
        if (encoder.Head == EncoderHead.None)
        {
            faults.Add(NoHead);
        }

        if (bnGroups % group.Size != 0)
        {
            faults.Add(
                $"{bnGroups} BN groups do not divide over {group.Size} processes: expected a multiple of {group.Size}."
            );
        }

        if (faults.Count > 0)
        {
            throw new ArgumentException(string.Join(" ", faults));
        }
    }
}
