using System.Runtime.InteropServices;
using static TorchSharp.torch;

namespace MoCoSharp.PyTorch;

/// <summary>Takes bytes, which lie still only for as long as the call.</summary>
internal delegate void BytesTaker(ReadOnlySpan<byte> bytes);

/// <summary>A tensor's values in plain memory: what another thread may read.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Type">Its element type.</param>
/// <param name="Shape">Its shape.</param>
/// <param name="Address">Of the first value; whoever hands this over keeps the memory.</param>
/// <param name="Size">In bytes, below 2 GiB.</param>
/// <param name="ChannelsLast">
/// Whether a shape [N, C, H, W] lies in memory as [N, H, W, C], as convolutions' weights do. Files hold the former.
/// </param>
public sealed record HostTensor(
    string Name, ScalarType Type, long[] Shape, nint Address, long Size, bool ChannelsLast = false)
{
    /// <summary>The values, as they lie.</summary>
    public unsafe ReadOnlySpan<byte> Values => new((void*)Address, checked((int)Size));

    /// <summary>Hands out the values in the order of the shape, in one piece or several.</summary>
    internal void InOrder(BytesTaker take)
    {
        if (!ChannelsLast)
        {
            take(Values);
            return;
        }

        var elementSize = (int)(Size / Shape.Aggregate((product, dimension) => product * dimension));
        switch (elementSize)
        {
            case 2:
                InOrder<ushort>(take);
                break;
            case 4:
                InOrder<uint>(take);
                break;
            case 8:
                InOrder<ulong>(take);
                break;
            default:
                throw new NotSupportedException(
                    $"{Name}: elements of {elementSize} bytes that lie channels last cannot be written.");
        }
    }

    private void InOrder<T>(BytesTaker take) where T : unmanaged
    {
        var values = MemoryMarshal.Cast<byte, T>(Values);
        var (channels, pixels) = ((int)Shape[1], (int)(Shape[2] * Shape[3]));
        var ordered = new T[channels * pixels]; // one filter
        for (var first = 0; first < values.Length; first += ordered.Length)
        {
            var filter = values.Slice(first, ordered.Length); // [H W, C]
            for (var pixel = 0; pixel < pixels; pixel++)
            {
                var row = filter.Slice(pixel * channels, channels);
                for (var channel = 0; channel < row.Length; channel++)
                {
                    ordered[(channel * pixels) + pixel] = row[channel];
                }
            }

            take(MemoryMarshal.AsBytes(ordered.AsSpan()));
        }
    }
}
