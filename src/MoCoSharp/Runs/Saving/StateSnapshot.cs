using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using MoCoSharp.PyTorch;
using static TorchSharp.torch;

namespace MoCoSharp.Runs;

/// <summary>A copy of a run's state in host memory. Another thread writes it while training goes on.</summary>
/// <remarks>The memory is reused for the next copy.</remarks>
internal sealed class StateSnapshot : IDisposable
{
    private List<(string Name, Tensor Copy)> _copies = [];

    /// <summary>Steps done.</summary>
    public long Step { get; private set; }

    /// <summary>The copies.</summary>
    public IReadOnlyList<HostTensor> Tensors { get; private set; } = [];

    /// <summary>The counters and texts.</summary>
    public IReadOnlyDictionary<string, string> Metadata { get; private set; } =
        new Dictionary<string, string>(StringComparer.Ordinal);

    /// <summary>Allocates and touches the memory: a run then uses it from its first step.</summary>
    public void Prepare(IReadOnlyList<(string Name, Tensor Tensor)> tensors)
    {
        using var noGrad = no_grad();
        Dispose();
        using var scope = NewDisposeScope();
        _copies = [.. tensors.Select(item => (item.Name, Allocate(item.Tensor).DetachFromDisposeScope()))];
        Tensors = [.. _copies.Select(item => ToHostTensor(item.Name, item.Copy))];
    }

    /// <summary>Copies tensors of any device to host memory. Training waits for this part of a save alone.</summary>
    /// <remarks>A copy has the layout of its tensor, such as channels last. The writer changes the order.</remarks>
    public void Copy(
        long step, IReadOnlyList<(string Name, Tensor Tensor)> tensors, IReadOnlyDictionary<string, string> metadata)
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

    /// <summary>The name of the first tensor with a NaN or an infinity; null if all are finite. Thread-safe.</summary>
    public string? FindNotFinite() => Tensors.FirstOrDefault(tensor => !FiniteBits.Check(tensor))?.Name;

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
            && pair.First.Copy.dtype == pair.Second.Tensor.dtype
            && pair.First.Copy.shape.AsSpan().SequenceEqual(pair.Second.Tensor.shape));

    private static Tensor Allocate(Tensor tensor)
    {
        var (shape, type) = (tensor.shape, tensor.dtype);
        return IsChannelsLast(tensor)
            ? zeros([shape[0], shape[2], shape[3], shape[1]], dtype: type).permute(0, 3, 1, 2)
            : zeros(shape, dtype: type);
    }

    private static unsafe HostTensor ToHostTensor(string name, Tensor copy)
    {
        var channelsLast = IsChannelsLast(copy);
        var flat = channelsLast ? copy.permute(0, 2, 3, 1) : copy; // a view: the same memory
        var address = copy.numel() == 0 ? 0 : (nint)Unsafe.AsPointer(ref MemoryMarshal.GetReference(flat.bytes));
        return new(name, copy.dtype, copy.shape, address, copy.numel() * copy.element_size(), channelsLast);
    }

    private static bool IsChannelsLast(Tensor tensor) =>
        tensor.dim() == 4 && !tensor.is_contiguous() && tensor.permute(0, 2, 3, 1).is_contiguous();
}
