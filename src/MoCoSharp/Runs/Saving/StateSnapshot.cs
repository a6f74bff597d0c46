using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using MoCoSharp.Models;
using MoCoSharp.PyTorch;
using TorchSharp;
using static TorchSharp.torch;

namespace MoCoSharp.Runs;

/// <summary>A copy of a run's state in plain memory, which another thread writes while training goes on. The memory is kept for the next copy.</summary>
internal sealed class StateSnapshot : IDisposable
{
    private List<(string Name, Tensor Copy)> _copies = [];

    /// <summary>Steps done.</summary>
    public long Step { get; private set; }

    /// <summary>The copies.</summary>
    public IReadOnlyList<HostTensor> Tensors { get; private set; } = [];

    /// <summary>The counters and texts.</summary>
    public IReadOnlyDictionary<string, string> Metadata { get; private set; } = new Dictionary<string, string>(StringComparer.Ordinal);

    /// <summary>Takes the memory, page by page, so that a run needs from its first step what its saves will need, and none of them waits for it.</summary>
    public void Prepare(IReadOnlyList<(string Name, Tensor Tensor)> tensors)
    {
        using var noGrad = no_grad();
        Dispose();
        using var scope = NewDisposeScope();
        _copies = [.. tensors.Select(item => (item.Name, Room(item.Tensor).DetachFromDisposeScope()))];
        Tensors = [.. _copies.Select(item => InMemory(item.Name, item.Copy))];
    }

    /// <summary>Copies tensors, whatever their device, to memory of the host. The only part of a save that training waits for.</summary>
    /// <remarks>A copy lies as its tensor does, channels last where that does; the order of a file is made while writing.</remarks>
    public void Take(long step, IReadOnlyList<(string Name, Tensor Tensor)> tensors, IReadOnlyDictionary<string, string> metadata)
    {
        using var noGrad = no_grad();
        if (!Fits(tensors))
        {
            Prepare(tensors);
        }

        for (var i = 0; i < tensors.Count; i++)
        {
            _copies[i].Copy.copy_(tensors[i].Tensor);
        }

        Step = step;
        Metadata = metadata;
    }

    /// <summary>The first tensor that holds a NaN or an infinity; null where none does. Any thread.</summary>
    public string? FirstNotFinite() => Tensors.FirstOrDefault(tensor => !IsFinite(tensor))?.Name;

    /// <inheritdoc/>
    public void Dispose()
    {
        Tensors = [];
        foreach (var (_, copy) in _copies)
        {
            copy.Dispose();
        }

        _copies = [];
    }

    private bool Fits(IReadOnlyList<(string Name, Tensor Tensor)> tensors) =>
        _copies.Count == tensors.Count
        && _copies.Zip(tensors).All(pair => pair.First.Name == pair.Second.Name
            && pair.First.Copy.dtype == pair.Second.Tensor.dtype && pair.First.Copy.shape.AsSpan().SequenceEqual(pair.Second.Tensor.shape));

    private static Tensor Room(Tensor tensor)
    {
        var (shape, type) = (tensor.shape, tensor.dtype);
        return IsChannelsLast(tensor)
            ? zeros([shape[0], shape[2], shape[3], shape[1]], dtype: type).permute(0, 3, 1, 2)
            : zeros(shape, dtype: type);
    }

    private static unsafe HostTensor InMemory(string name, Tensor copy)
    {
        var channelsLast = IsChannelsLast(copy);
        var flat = channelsLast ? copy.permute(0, 2, 3, 1) : copy; // a view: the same memory
        var address = copy.numel() == 0 ? 0 : (nint)Unsafe.AsPointer(ref MemoryMarshal.GetReference(flat.bytes));
        return new(name, copy.dtype, copy.shape, address, copy.numel() * copy.element_size(), channelsLast);
    }

    private static bool IsChannelsLast(Tensor tensor) => tensor.dim() == 4 && !tensor.is_contiguous() && tensor.permute(0, 2, 3, 1).is_contiguous();

    // A NaN or an infinity has every bit of its exponent set.
    private static bool IsFinite(HostTensor tensor) => tensor.Type switch
    {
        ScalarType.Float32 => !Any(MemoryMarshal.Cast<byte, uint>(tensor.Values), 0x7F80_0000u),
        ScalarType.Float64 => !Any(MemoryMarshal.Cast<byte, ulong>(tensor.Values), 0x7FF0_0000_0000_0000ul),
        ScalarType.BFloat16 => !Any(MemoryMarshal.Cast<byte, ushort>(tensor.Values), (ushort)0x7F80),
        ScalarType.Float16 => !Any(MemoryMarshal.Cast<byte, ushort>(tensor.Values), (ushort)0x7C00),
        _ => true,
    };

    private static bool Any<T>(ReadOnlySpan<T> values, T exponent) where T : unmanaged, IBinaryInteger<T>
    {
        var wide = new Vector<T>(exponent);
        var i = 0;
        for (; i <= values.Length - Vector<T>.Count; i += Vector<T>.Count)
        {
            if (Vector.EqualsAny(new Vector<T>(values[i..]) & wide, wide))
            {
                return true;
            }
        }

        for (; i < values.Length; i++)
        {
            if ((values[i] & exponent) == exponent)
            {
                return true;
            }
        }

        return false;
    }
}
