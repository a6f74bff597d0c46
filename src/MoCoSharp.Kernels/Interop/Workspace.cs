using TorchSharp;
using static TorchSharp.torch;

namespace MoCoSharp.Kernels;

/// <summary>
/// Memory for values inside an operation, kept for the next call on the same thread. Allocated anew each time, such
/// values would lie between activations, and leave holes too small for the next activation (decision 001).
/// </summary>
internal static class Workspace
{
    [ThreadStatic]
    private static Dictionary<(string Use, ScalarType Type), Tensor>? _buffers;

    /// <summary>Memory of any content, valid until the next call with the same use and type.</summary>
    /// <param name="use">A name for the values.</param>
    /// <param name="type">Their type.</param>
    /// <param name="shape">Their shape.</param>
    /// <returns>On the CPU, contiguous. Belongs to the current dispose scope, its memory does not.</returns>
    public static Tensor Take(string use, ScalarType type, params ReadOnlySpan<long> shape)
    {
        var buffers = _buffers ??= [];
        var count = 1L;
        foreach (var side in shape)
        {
            count *= side;
        }

        if (!buffers.TryGetValue((use, type), out var buffer) || buffer.numel() < count)
        {
            buffers.Remove((use, type));
            buffer?.Dispose();
            buffers[(use, type)] = buffer = empty(count, dtype: type).DetachFromDisposeScope();
        }

        using var scope = NewDisposeScope();
        return buffer.narrow(0, 0, count).view(shape.ToArray()).MoveToOuterDisposeScope();
    }
}
