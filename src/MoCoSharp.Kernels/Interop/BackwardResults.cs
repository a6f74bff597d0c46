using TorchSharp;
using static TorchSharp.torch;

namespace MoCoSharp.Kernels;

/// <summary>The gradients that a backward function returns.</summary>
/// <remarks>
/// TorchSharp keeps every layer's returned gradients alive until the backward pass ends. libtorch holds what it needs
/// itself once a function has returned, so the next backward function may release them. Upstream.md says when this
/// may go.
/// </remarks>
internal static class BackwardResults
{
    [ThreadStatic]
    private static IReadOnlyList<Tensor?>? _last;

    /// <summary>
    /// Disposes what the previous backward function returned. The start of every backward function.
    /// </summary>
    public static void ReleasePrevious()
    {
        foreach (var gradient in _last ?? [])
        {
            gradient?.Dispose();
        }

        _last = null;
    }

    /// <summary>The gradients, moved to the outer scope: the end of a backward function.</summary>
    public static List<Tensor> Return(params Tensor?[] gradients)
    {
        ReleasePrevious();
        foreach (var gradient in gradients)
        {
            gradient?.MoveToOuterDisposeScope();
        }

        _last = gradients;
        return [.. gradients.Select(gradient => gradient!)]; // TorchSharp expects null where there is no gradient
    }
}
