using TorchSharp;
using static TorchSharp.torch;

namespace MoCoSharp.Tensors;

/// <summary>
/// What a backward function of ours gives back. TorchSharp would keep it until the scope ends in which the whole backward pass runs, every layer's at
/// once; libtorch holds what it needs itself once a function has returned, so that the next one can let it go.
/// </summary>
internal static class ReturnedGradients
{
    [ThreadStatic]
    private static IReadOnlyList<Tensor?>? _last;

    /// <summary>The gradients, moved to the outer scope; those of the function before are disposed of.</summary>
    public static List<Tensor> Of(params Tensor?[] gradients)
    {
        foreach (var gradient in _last ?? [])
        {
            gradient?.Dispose();
        }

        foreach (var gradient in gradients)
        {
            gradient?.MoveToOuterDisposeScope();
        }

        _last = gradients;
        return [.. gradients.Select(gradient => gradient!)]; // null is what TorchSharp expects where there is none
    }
}
