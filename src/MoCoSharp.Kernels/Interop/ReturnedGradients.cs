using TorchSharp;
using static TorchSharp.torch;

namespace MoCoSharp.Kernels;

/// <summary>
/// What a backward function of ours gives back. TorchSharp would keep it until the scope ends in which the whole backward pass runs, every layer's at
/// once; libtorch holds what it needs itself once a function has returned, so that the next one can let it go.
/// </summary>
internal static class ReturnedGradients
{
    [ThreadStatic]
    private static IReadOnlyList<Tensor?>? _last;

    /// <summary>Disposes of what the function before gave back. The first thing that a backward function does.</summary>
    public static void LetGo()
    {
        foreach (var gradient in _last ?? [])
        {
            gradient?.Dispose();
        }

        _last = null;
    }

    /// <summary>The gradients, moved to the outer scope: what a backward function returns.</summary>
    public static List<Tensor> Of(params Tensor?[] gradients)
    {
        LetGo();
        foreach (var gradient in gradients)
        {
            gradient?.MoveToOuterDisposeScope();
        }

        _last = gradients;
        return [.. gradients.Select(gradient => gradient!)]; // null is what TorchSharp expects where there is none
    }
}
