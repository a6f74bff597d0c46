using System.Globalization;
using MoCoSharp.Distributed.Mpi;
using MoCoSharp.Distributed.Nccl;

namespace MoCoSharp.Distributed;

/// <summary>How this process was started: alone, or as one of several by mpirun, mpiexec or srun.</summary>
/// <param name="Name">Of the launcher.</param>
/// <param name="Processes">That it started; 1 for a process alone.</param>
/// <param name="Libraries">The MPI libraries that may belong to it, the likeliest first.</param>
public sealed record Launcher(string Name, int Processes, IReadOnlyList<string> Libraries)
{
    private static readonly string[] OpenMpi = ["libmpi.so.40"];
    // the second: Intel's, Cray's, MVAPICH's
    private static readonly string[] Mpich = ["libmpich.so.12", "libmpi.so.12"];
    private static readonly string[] Others = ["libmpi_abi.so.0", "libmpi.so"];

    private static readonly string[] LocalSizes = ["OMPI_COMM_WORLD_LOCAL_SIZE", "MPI_LOCALNRANKS", "LOCAL_WORLD_SIZE"];
    private static readonly string[] Ranks = ["OMPI_COMM_WORLD_RANK", "PMI_RANK", "SLURM_PROCID", "RANK"];

    // What each launcher puts into the environment of the processes that it starts.
    private static readonly (string Variable, string Name, IReadOnlyList<string> Libraries)[] Known =
    [
        ("OMPI_COMM_WORLD_SIZE", "Open MPI's mpirun", [.. OpenMpi, .. Others, .. Mpich]),
        ("PMI_SIZE", "MPICH's mpiexec or srun", [.. Mpich, .. Others, .. OpenMpi]),
        ("SLURM_STEP_NUM_TASKS", "srun", [.. OpenMpi, .. Others, .. Mpich]),
    ];

    /// <summary>Where processes of torchrun meet, which joins GPUs alone; null for the others.</summary>
    public Rendezvous? Rendezvous { get; private init; }

    /// <summary>What the environment says.</summary>
    /// <param name="variable">An environment variable; null where it is not set.</param>
    public static Launcher Detect(Func<string, string?> variable)
    {
        ArgumentNullException.ThrowIfNull(variable);
        foreach (var (name, launcher, libraries) in Known)
        {
            if (
                int.TryParse(variable(name), NumberStyles.None, CultureInfo.InvariantCulture, out var processes)
                && processes > 1)
            {
                return new(
                    launcher,
                    processes,
                    variable("MOCO_MPI_LIBRARY") is { Length: > 0 } chosen ? [chosen] : libraries);
            }
        }

        return Rendezvous.Detect(variable) is { Size: > 1 } rendezvous
            ? new("torchrun", rendezvous.Size, []) { Rendezvous = rendezvous }
            : new("", 1, []);
    }

    /// <summary>How many of the processes are on this machine; null where the launcher does not say.</summary>
    public static int? ProcessesHere(Func<string, string?> variable)
    {
        ArgumentNullException.ThrowIfNull(variable);
        return LocalSizes
            .Select(name =>
                int.TryParse(variable(name), NumberStyles.None, CultureInfo.InvariantCulture, out var processes)
                && processes > 0
                    ? processes
                    : (int?)null)
            .FirstOrDefault(processes => processes is not null);
    }

    /// <summary>Whether this process is the first of all, before it has joined the others.</summary>
    public static bool IsFirst(Func<string, string?> variable)
    {
        ArgumentNullException.ThrowIfNull(variable);
        return Ranks.Select(variable).FirstOrDefault(rank => rank is not null) is null or "0";
    }

    /// <summary>Joins the other processes; a process alone needs no MPI.</summary>
    /// <param name="lost">
    /// Told the rank of a process that has died or was stopped, on another thread, before every process is ended.
    /// </param>
    /// <exception cref="DllNotFoundException">There is no MPI library.</exception>
    /// <exception cref="InvalidOperationException">The MPI library that was found is not the launcher's.</exception>
    public IProcessGroup Join(Action<int> lost)
    {
        if (Processes == 1)
        {
            return SingleProcess.Instance;
        }

        if (Rendezvous is not null)
        {
            return NcclGroup.Join(Rendezvous);
        }

        var silence =
            double.TryParse(
                Environment.GetEnvironmentVariable("MOCO_SILENCE_SECONDS"),
                CultureInfo.InvariantCulture,
                out var seconds)
            && seconds > 0
            ? TimeSpan.FromSeconds(seconds)
            : (TimeSpan?)null;
        var group = MpiGroup.Join(Libraries, lost, silence);
        if (group.Size == Processes)
        {
            return group;
        }

        var library = group.Library;
        group.Dispose();
        throw new InvalidOperationException(
            $"{Name} started {Processes} processes, but this one sees {group.Size} through {library}: the library " +
            "is not the launcher's. "
                + "Name the right one in MOCO_MPI_LIBRARY; under Slurm, srun --mpi=pmix starts processes of Open MPI.");
    }
}
