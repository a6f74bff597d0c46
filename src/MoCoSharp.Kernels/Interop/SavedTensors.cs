using TorchSharp;
using static TorchSharp.torch;

namespace MoCoSharp.Kernels;

/// <summary>Tensors that a backward function needs, kept until it has run.</summary>
/// <remarks>
/// Tensors of TorchSharp's <c>save_for_backward</c> stay until the whole graph is freed: the backward pass would need
/// every layer's activations at once. Upstream.md says when this may go.
/// </remarks>
internal sealed class SavedTensors
{
    private IReadOnlyList<Tensor?>? _tensors;

    /// <param name="tensors">Handles without a gradient. No one else may dispose them.</param>
    public SavedTensors(params Tensor?[] tensors) =>
        _tensors = [.. tensors.Select(tensor => tensor?.DetachFromDisposeScope())];

    /// <summary>The saved tensors, in the same order.</summary>
    /// <param name="scope">Disposes them from now on.</param>
    /// <exception cref="InvalidOperationException">They were unpacked before: a graph goes backward once.</exception>
    public IReadOnlyList<Tensor?> Unpack(DisposeScope scope)
    {
        var tensors = _tensors ?? throw new InvalidOperationException(
            "A second backward pass through the same graph: its saved tensors were freed by the first.");
        _tensors = null;
        scope.Attach(tensors.OfType<Tensor>());
        return tensors;
    }

    /// <summary>Disposes the saved tensors, unless they are unpacked.</summary>
    public void Free()
    {
        foreach (var tensor in _tensors ?? [])
        {
            tensor?.Dispose();
        }

        _tensors = null;
    }
}
