using System.IO.Hashing;
using MoCoSharp.Distributed;
using MoCoSharp.Methods;
using MoCoSharp.PyTorch;
using TorchSharp;
using static TorchSharp.torch;

namespace MoCoSharp.Training;

/// <summary>The ranks no longer have the same state.</summary>
public sealed class RanksDifferException(string message) : Exception(message);

/// <summary>
/// Checks that all ranks have the same weights, statistics and queue, by a checksum of each tensor. Otherwise a
/// divergence between ranks would go unnoticed.
/// </summary>
internal static class RankComparison
{
    /// <exception cref="RanksDifferException">Two ranks differ.</exception>
    public static void Check(PretrainMethod method, IProcessGroup group, long step)
    {
        using var noGrad = no_grad();
        using var scope = NewDisposeScope();
        var state = method.state_dict();
        long[] mine = [.. state.Values.Select(Checksum), .. method.HostState.Values];
        List<string> names = [.. state.Keys, .. method.HostState.Keys];
        var all = group.AllGather(tensor(mine)); // [ranks, tensors]
        for (var rank = 1; rank < group.Size; rank++)
        {
            var others = all[rank].data<long>().ToArray();
            if (
                all[0]
                    .data<long>()
                    .ToArray()
                    .Zip(others)
                    .Select((pair, i) => (pair, i))
                    .FirstOrDefault(item => item.pair.First != item.pair.Second, (default, -1)) is
                { i: >= 0 } found)
            {
                throw new RanksDifferException(
                    $"After step {step} process {rank} has a different {names[found.i]} than process 0: the " +
                    "machines compute differently, or memory is faulty. Are processors and libraries the same? " +
                    "Resume from an earlier checkpoint.");
            }
        }
    }

    private static long Checksum(Tensor values)
    {
        using var scope = NewDisposeScope();
        var flat = values.detach();
        flat = (flat.dim() == 4 && !flat.is_contiguous() ? flat.permute(0, 2, 3, 1) : flat).contiguous().cpu();
        return flat.numel() == 0 ? 0 : unchecked((long)XxHash3.HashToUInt64(flat.bytes));
    }
}
