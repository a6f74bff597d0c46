using System.Globalization;
using MoCoSharp.Distributed;
using MoCoSharp.Distributed.Mpi;

namespace MoCoSharp.Cli;

/// <summary>
/// Whether Open MPI's launcher ends when the network to another machine is cut. It must notice this before our
/// processes end: it then has nothing to send, and its keepalive counts. Once it tries to send to a lost machine, Linux
/// repeats that for a quarter of an hour.
/// </summary>
internal static class LostMachine
{
    private const string Setting = "OMPI_MCA_oob_tcp_keepalive_";
    private const int DefaultTime = 300, DefaultInterval = 20, DefaultProbes = 9; // of Open MPI 4, seconds

    /// <summary>Prints a note on the first process if the launcher would not end.</summary>
    public static void Warn(IProcessGroup group)
    {
        if (group is MpiGroup { Rank: 0 } mpi && Note(
            mpi.Hosts, mpi.Library, mpi.Silence, Environment.GetEnvironmentVariable) is { } note)
        {
            Console.Error.WriteLine($"moco: note: {note}");
        }
    }

    /// <summary>The note; null if none is needed.</summary>
    /// <param name="hosts">The machine of each process.</param>
    /// <param name="library">The MPI library's name and version.</param>
    /// <param name="silence">The silence after which our processes end.</param>
    /// <param name="variable">Reads an environment variable.</param>
    public static string? Note(
        IReadOnlyList<string> hosts, string library, TimeSpan silence, Func<string, string?> variable)
    {
        const int shortest = 5; // seconds; less leaves no room for the settings, which are whole seconds
        if (
            hosts.Distinct(StringComparer.Ordinal).Count() == 1
            || variable("OMPI_COMM_WORLD_SIZE") is null // srun, which has no such settings
            || !library.StartsWith("Open MPI v4", StringComparison.Ordinal)
            || silence.TotalSeconds < shortest)
        {
            return null;
        }

        var idle = Value("time", DefaultTime);
        var seconds = idle + (Value("intvl", DefaultInterval) * Value("probes", DefaultProbes));
        if (idle > 0 && seconds < silence.TotalSeconds)
        {
            return null;
        }

        // A quarter of the silence, and three times an eighth of it.
        var time = (int)(silence.TotalSeconds / 4);
        var interval = Math.Max(1, time / 2);
        return "mpirun must notice a lost machine before the processes end, after " +
            $"{silence.TotalSeconds} s; its keepalive {(idle > 0 ? $"takes {seconds} s" : "is off")}, and it may " +
            "then stay for a quarter of an hour. Start it with " +
            $"--mca oob_tcp_keepalive_time {time} --mca oob_tcp_keepalive_intvl {interval} " +
            "--mca oob_tcp_keepalive_probes 3.";

        int Value(string name, int otherwise) =>
            int.TryParse(variable(Setting + name), CultureInfo.InvariantCulture, out var value) ? value : otherwise;
    }
}
