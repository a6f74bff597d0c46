using System.Runtime.InteropServices;

namespace MoCoSharp.Kernels;

/// <summary>
/// The settings of <see cref="TorchRuntime.Configure"/>: how threads wait, and whether freed memory is kept. Only on
/// Linux.
/// </summary>
internal static partial class ProcessSettings
{
    private const string WaitingTurns = "4000"; // of libgomp's loop: tenths of a millisecond at most

    /// <summary>Applies both settings, unless the user has set them.</summary>
    public static void Apply()
    {
        if (OperatingSystem.IsLinux())
        {
            LetWaitingThreadsSleepSoon();
            KeepFreedMemory();
        }
    }

    // A thread of libtorch waits for the next operation in a loop, and soon sleeps. Threads that never sleep starve
    // others: with one busy process beside two torch threads, a step took 5 s instead of 0.2. Threads that sleep at
    // once must be woken for every operation; on a virtual machine, this takes longer than a small operation
    // (decision 014 has the figures).
    private static void LetWaitingThreadsSleepSoon()
    {
        const string policy = "OMP_WAIT_POLICY", turns = "GOMP_SPINCOUNT";
        if (Environment.GetEnvironmentVariable(policy) is null && Environment.GetEnvironmentVariable(turns) is null)
        {
            _ = SetNativeVariable(policy, "PASSIVE", overwrite: 0); // .NET's own variables do not reach native code
            _ = SetNativeVariable(turns, WaitingTurns, overwrite: 0);
        }
    }

    // glibc maps each large tensor anew and unmaps it when it is freed. Every activation of every step is then
    // cleared page by page: InfoNCE as the official code writes it took 2.3 s, and 0.24 s with these settings.
    private static void KeepFreedMemory()
    {
        const int trimThreshold = -1, topPad = -2, mmapMax = -4; // malloc.h
        if (Environment.GetEnvironmentVariable("GLIBC_TUNABLES") is null
            && NativeLibrary.TryLoad("libc.so.6", out var library)
            && NativeLibrary.TryGetExport(library, "mallopt", out _))
        {
            _ = SetMallocOption(mmapMax, 0);
            _ = SetMallocOption(trimThreshold, -1);
            _ = SetMallocOption(topPad, 64 << 20);
        }
    }

    [LibraryImport("libc", EntryPoint = "mallopt")]
    private static partial int SetMallocOption(int option, int value);

    [LibraryImport("libc", EntryPoint = "setenv", StringMarshalling = StringMarshalling.Utf8)]
    private static partial int SetNativeVariable(string name, string value, int overwrite);
}
