using System.Collections.Immutable;
using System.Runtime.ExceptionServices;
using static TorchSharp.torch;

namespace MoCoSharp.Kernels;

/// <summary>A backward pass whose custom functions may fail.</summary>
/// <remarks>
/// An exception in a function of ours cannot pass through libtorch: it would end the process, with a message about a
/// bug, though memory ran out or another machine was lost. So it is kept, and thrown after the pass.
/// </remarks>
internal sealed class BackwardPass
{
    // libtorch runs the functions on the calling thread, but those of a GPU on a thread of its own.
    [ThreadStatic]
    private static BackwardPass? _ofThread;
    private static ImmutableList<BackwardPass> _running = [];

    private ExceptionDispatchInfo? _fault;

    /// <summary>Computes the gradients of all parameters, as <c>backward</c> does.</summary>
    /// <param name="output">A scalar, or any tensor with a <paramref name="gradient"/>.</param>
    /// <param name="gradient">That of the output, in its shape.</param>
    /// <exception cref="Exception">The first that a custom function threw. Gradients are incomplete then.</exception>
    public static void Run(Tensor output, Tensor? gradient = null)
    {
        var outer = _ofThread;
        var pass = new BackwardPass();
        _ofThread = pass;
        ImmutableInterlocked.Update(ref _running, passes => passes.Add(pass));
        try
        {
            output.backward(gradient is null ? null : [gradient]);
        }
        catch (Exception) when (pass._fault is not null)
        {
            // A consequence of the fault.
        }
        finally
        {
            _ofThread = outer;
            ImmutableInterlocked.Update(ref _running, passes => passes.Remove(pass));
        }

        pass._fault?.Throw();
    }

    /// <summary>Computes the gradients of a function, unless another one of this pass has failed.</summary>
    /// <param name="isOnGpu">Whether the gradient of its output is on a GPU.</param>
    /// <param name="gradients">Computes them.</param>
    /// <returns>Null if they are missing. An exception that belongs to no known pass is not caught.</returns>
    public static List<Tensor>? Try(bool isOnGpu, Func<List<Tensor>> gradients)
    {
        if (Current(isOnGpu) is not { } pass)
        {
            return gradients();
        }

        if (pass._fault is not null)
        {
            return null;
        }

        try
        {
            return gradients();
        }
        catch (Exception error)
        {
            pass._fault = ExceptionDispatchInfo.Capture(error);
            return null;
        }
    }

    // Null if there is none, or if it is unknown: several passes of GPUs in one process.
    private static BackwardPass? Current(bool isOnGpu) =>
        _ofThread ?? (isOnGpu && _running is [var only] ? only : null);
}
