using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace MoCoSharp.Kernels;

/// <summary>Loops on the threads of libtorch, so that no other threads compete with them.</summary>
internal static unsafe partial class TorchParallel
{
    /// <summary>Calls work(i, context) once for each i from 0 to count - 1.</summary>
    /// <remarks>Calls share no output, so the result is the same for any number of threads.</remarks>
    /// <param name="count">0 or more.</param>
    /// <param name="work">Must not throw: the exception could not be caught.</param>
    /// <param name="context">Input and output of work. It must not move meanwhile.</param>
    /// <exception cref="InvalidOperationException">libtorch refused the loop.</exception>
    public static void For<T>(long count, delegate*<long, T*, void> work, T* context) where T : unmanaged
    {
        var loop = new Loop { Work = (nint)work, Context = (nint)context };
        try
        {
            if (torch_parallel_for(0, count, 1, &Run, &loop) != 0)
            {
                throw new InvalidOperationException(
                    "libtorch refused a parallel loop; it has written its reason to stderr.");
            }
        }
        catch (EntryPointNotFoundException) // a libtorch before 2.10
        {
            Run(0, count, &loop);
        }
    }

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static void Run(long first, long end, void* context) => Run(first, end, (Loop*)context);

    private static void Run(long first, long end, Loop* loop)
    {
        var work = (delegate*<long, void*, void>)loop->Work;
        for (var i = first; i < end; i++)
        {
            work(i, (void*)loop->Context);
        }
    }

    private struct Loop
    {
        public nint Work;
        public nint Context;
    }

    [LibraryImport("torch_cpu")]
    private static partial int torch_parallel_for(
        long begin, long end, long grain, delegate* unmanaged[Cdecl]<long, long, void*, void> work, void* context);
}
