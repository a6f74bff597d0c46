using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace MoCoSharp.Kernels;

/// <summary>Loops over the rows of a matrix, on the threads that libtorch computes with: none are woken that then compete with them.</summary>
internal static unsafe partial class Rows
{
    /// <summary>Calls work(row, context) for every row, each once. Rows share nothing, so the result is the same for any number of threads.</summary>
    /// <param name="count">0 or more.</param>
    /// <param name="work">Does not throw: there is nobody to catch it.</param>
    /// <param name="context">What work reads and writes; stays in place meanwhile.</param>
    public static void ForEach<T>(long count, delegate*<long, T*, void> work, T* context) where T : unmanaged
    {
        var loop = new Loop { Work = (nint)work, Context = (nint)context };
        try
        {
            if (torch_parallel_for(0, count, 1, &Run, &loop) != 0)
            {
                throw new InvalidOperationException("libtorch refused a loop over rows; it has written its reason to stderr.");
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
        for (var row = first; row < end; row++)
        {
            work(row, (void*)loop->Context);
        }
    }

    private struct Loop
    {
        public nint Work;
        public nint Context;
    }

    [LibraryImport("torch_cpu")]
    private static partial int torch_parallel_for(long begin, long end, long grain, delegate* unmanaged[Cdecl]<long, long, void*, void> work, void* context);
}
