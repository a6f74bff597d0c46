using System.Globalization;
using MoCoSharp.Distributed;
using MoCoSharp.Runs;

namespace MoCoSharp.Cli;

/// <summary>
/// Whether other programs use all cores. Torch's threads wait for one another at every operation, so a step then takes
/// as long as the thread that got its core last (docs/explanation/speed.md).
/// </summary>
internal static class BusyMachine
{
    private const string LoadFile = "/proc/loadavg"; // 0.20 0.18 0.12 3/80 11206: 3 of 80 threads run now
    private const string CoreFile = "/proc/cpuinfo";
    private const int Looks = 5;

    /// <summary>Prints a note if a run of several threads on the CPU starts on a busy machine.</summary>
    public static void Warn(RunConfig config, IProcessGroup group)
    {
        if (
            group.Size == 1 && config is { Threads: > 1, Device: "cpu" } && OperatingSystem.IsLinux()
            && Note(Others(), Environment.ProcessorCount, config.Threads) is { } note)
        {
            Console.Error.WriteLine($"moco: note: {note}");
        }
    }

    /// <summary>The note; null if none is needed.</summary>
    /// <param name="others">Threads of other programs that want a core.</param>
    /// <param name="cores">Cores of the machine.</param>
    /// <param name="threads">Threads of torch.</param>
    public static string? Note(int others, int cores, int threads) =>
        threads > 1 && others >= cores
            ? $"other programs keep this machine busy: {others} threads want its {cores} cores. " +
                $"The {threads} threads of torch wait for one another at every operation; one alone may be faster: " +
                "--set threads=1 loader.workers=1"
            : null;

    /// <summary>The number of running threads in a line of /proc/loadavg; 0 if it has none.</summary>
    public static int Running(string line) =>
        line.Split(' ') is [_, _, _, var counts, ..]
        && int.TryParse(counts.Split('/')[0], CultureInfo.InvariantCulture, out var running)
            ? running
            : 0;

    // The fewest of several looks, without the thread that looks: a moment's work is not a busy machine. 0 if this
    // process may not use the whole machine, which the load describes.
    private static int Others()
    {
        try
        {
            var cores = File.ReadLines(CoreFile).Count(line => line.StartsWith("processor", StringComparison.Ordinal));
            return cores != Environment.ProcessorCount ? 0 : Enumerable.Range(0, Looks).Min(_ =>
            {
                Thread.Sleep(20); // milliseconds
                return Running(File.ReadAllText(LoadFile));
            }) - 1;
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            return 0;
        }
    }
}
