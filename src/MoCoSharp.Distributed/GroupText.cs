using System.Runtime.InteropServices;
using System.Text;
using TorchSharp;
using static TorchSharp.torch;

namespace MoCoSharp.Distributed;

/// <summary>Exchanges short texts between processes.</summary>
internal static class GroupText
{
    /// <summary>Every rank's text, in rank order.</summary>
    public static IReadOnlyList<string> Gather(IProcessGroup group, string text)
    {
        ArgumentNullException.ThrowIfNull(group);
        ArgumentNullException.ThrowIfNull(text);
        if (group.Size == 1)
        {
            return [text]; // without a tensor: libtorch may not be loaded yet
        }

        using var scope = NewDisposeScope();
        var bytes = Encoding.UTF8.GetBytes(text);
        var lengths = group.AllGather(tensor([(long)bytes.Length])).flatten().data<long>().ToArray();
        if (lengths.Max() == 0)
        {
            return [.. lengths.Select(_ => "")];
        }

        Array.Resize(ref bytes, (int)lengths.Max());
        var all = group.AllGather(tensor(bytes)).contiguous();
        return
        [
            .. lengths.Select(
                (length, rank) => Encoding.UTF8.GetString(all.bytes.Slice(rank * bytes.Length, (int)length))),
        ];
    }

    /// <summary>The text of one rank, on every rank.</summary>
    public static string Broadcast(IProcessGroup group, string text, int root = 0)
    {
        ArgumentNullException.ThrowIfNull(group);
        return Gather(group, group.Rank == root ? text : "")[root];
    }
}
