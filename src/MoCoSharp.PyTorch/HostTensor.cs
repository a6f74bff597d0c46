using System.Runtime.InteropServices;
using static TorchSharp.torch;

namespace MoCoSharp.PyTorch;

/// <summary>Receives a span that is valid only during the call.</summary>
internal delegate void BytesTaker(ReadOnlySpan<byte> bytes);

/// <summary>The values of a tensor in plain memory, which any thread may read.</summary>
/// <param name="Name">Name of the tensor.</param>
/// <param name="Type">Element type.</param>
/// <param name="Shape">Shape of the tensor.</param>
/// <param name="Address">Address of the first value. The creator keeps the memory alive.</param>
/// <param name="Size">Size in bytes, below 2 GiB.</param>
/// <param name="ChannelsLast">
/// Whether a shape [N, C, H, W] is in memory as [N, H, W, C], as convolution weights are. Files hold [N, C, H, W].
/// </param>
internal sealed record HostTensor(
    string Name, ScalarType Type, long[] Shape, nint Address, long Size, bool ChannelsLast = false)
{
    /// <summary>The values in memory order.</summary>
    public unsafe ReadOnlySpan<byte> Values => new((void*)Address, checked((int)Size));

    /// <summary>Passes the values in the order of the shape, in one or several pieces.</summary>
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
                    $"{Name}: elements of {elementSize} bytes in channels-last order cannot be written.");
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
