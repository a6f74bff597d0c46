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
    private static volatile BackwardPass? _latest;

    private ExceptionDispatchInfo? _fault;

    /// <summary>Computes the gradients of all parameters, as <c>backward</c> does.</summary>
    /// <param name="output">A scalar, or any tensor with a <paramref name="gradient"/>.</param>
    /// <param name="gradient">That of the output, in its shape.</param>
    /// <exception cref="Exception">The first that a custom function threw. Gradients are incomplete then.</exception>
    public static void Run(Tensor output, Tensor? gradient = null)
    {
        var (outerOfThread, outerLatest) = (_ofThread, _latest);
        var pass = new BackwardPass();
        (_ofThread, _latest) = (pass, pass);
        try
        {
            output.backward(gradient is null ? null : [gradient]);
        }
        finally
        {
            (_ofThread, _latest) = (outerOfThread, outerLatest);
        }

        pass._fault?.Throw();
    }

    /// <summary>Computes the gradients of a function, unless one of this pass has failed.</summary>
    /// <param name="gradients">Computes them.</param>
    /// <returns>Null if they are missing. Outside of <see cref="Run"/>, an exception is not caught.</returns>
    public static List<Tensor>? Try(Func<List<Tensor>> gradients)
    {
        if ((_ofThread ?? _latest) is not { } pass)
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
}
