using TorchSharp;
using static TorchSharp.torch;

namespace MoCoSharp.Kernels;

/// <summary>
/// Activations that a backward function of ours needs, until it has run. What TorchSharp's save_for_backward keeps stays until the whole graph goes:
/// the backward pass would need the memory of every layer at once.
/// </summary>
internal sealed class KeptForBackward
{
    private IReadOnlyList<Tensor?>? _tensors;

    /// <param name="tensors">Handles without a gradient, that nobody else disposes of.</param>
    public KeptForBackward(params Tensor?[] tensors) => _tensors = [.. tensors.Select(tensor => tensor?.DetachFromDisposeScope())];

    /// <summary>What was kept, in the same order.</summary>
    /// <param name="scope">Disposes of it from now on.</param>
    /// <exception cref="InvalidOperationException">It was taken before: a graph of ours goes backward once.</exception>
    public IReadOnlyList<Tensor?> Take(DisposeScope scope)
    {
        var tensors = _tensors ?? throw new InvalidOperationException("A second backward pass through the same graph: what it needs is gone after the first.");
        _tensors = null;
        scope.Attach(tensors.OfType<Tensor>());
        return tensors;
    }
}
