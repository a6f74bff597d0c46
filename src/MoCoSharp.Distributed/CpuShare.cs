namespace MoCoSharp.Distributed;

/// <summary>Divides the cores of a machine among its processes.</summary>
internal static class CpuShare
{
    /// <summary>
    /// The default number of libtorch threads: one per core, and at most OMP_NUM_THREADS, as in PyTorch.
    /// </summary>
    /// <param name="processes">Processes in all, above 0.</param>
    public static int TorchThreads(int processes) =>
        Math.Max(
            1,
            Math.Min(Cores(processes), Bound(Environment.GetEnvironmentVariable("OMP_NUM_THREADS")) ?? int.MaxValue));

    /// <summary>The cores that one process may keep busy, 1 or more.</summary>
    /// <param name="processes">
    /// Processes in all, above 0; the launcher's environment says how many of them run on this machine.
    /// </param>
    public static int Cores(int processes)
    {
        var allowed = Environment.ProcessorCount;
        if (processes == 1)
        {
            return allowed;
        }

        var here = Launcher.ProcessesHere(Environment.GetEnvironmentVariable) ?? processes;
        // A launcher that binds processes to cores has already divided them.
        return allowed < MachineCores() ? allowed : Math.Max(1, allowed / here);
    }

    /// <summary>
    /// The number in OMP_NUM_THREADS; null if it holds none. Of a list, one entry per nesting level, the first counts.
    /// </summary>
    internal static int? Bound(string? variable) =>
        int.TryParse(variable?.Split(',')[0].Trim(), out var bound) && bound > 0 ? bound : null;

    private static int MachineCores()
    {
        try
        {
            return Math.Max(
                1,
                File.ReadLines("/proc/cpuinfo").Count(line => line.StartsWith("processor", StringComparison.Ordinal)));
        }
        catch (IOException)
        {
            return Environment.ProcessorCount;
        }
    }
}
