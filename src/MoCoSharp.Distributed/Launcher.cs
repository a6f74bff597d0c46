using System.Globalization;
using MoCoSharp.Distributed.Mpi;
using MoCoSharp.Distributed.Nccl;

namespace MoCoSharp.Distributed;

/// <summary>The program that started this process: none, or mpirun, mpiexec, srun or torchrun.</summary>
/// <param name="Name">Name of the launcher.</param>
/// <param name="Processes">Number of processes that it started; 1 without a launcher.</param>
/// <param name="Libraries">MPI libraries that may belong to it, the likeliest first.</param>
public sealed record Launcher(string Name, int Processes, IReadOnlyList<string> Libraries)
{
    private static readonly string[] OpenMpi = ["libmpi.so.40"];
    // the second is Intel's, Cray's and MVAPICH's
    private static readonly string[] Mpich = ["libmpich.so.12", "libmpi.so.12"];
    private static readonly string[] Others = ["libmpi_abi.so.0", "libmpi.so"];

    private static readonly string[] LocalSizes = ["OMPI_COMM_WORLD_LOCAL_SIZE", "MPI_LOCALNRANKS", "LOCAL_WORLD_SIZE"];
    private static readonly string[] Ranks = ["OMPI_COMM_WORLD_RANK", "PMI_RANK", "SLURM_PROCID", "RANK"];

    // The variables that each launcher sets in the environment of its processes.
    private static readonly (string Variable, string Name, IReadOnlyList<string> Libraries)[] Known =
    [
        ("OMPI_COMM_WORLD_SIZE", "Open MPI's mpirun", [.. OpenMpi, .. Others, .. Mpich]),
        ("PMI_SIZE", "MPICH's mpiexec or srun", [.. Mpich, .. Others, .. OpenMpi]),
        ("SLURM_STEP_NUM_TASKS", "srun", [.. OpenMpi, .. Others, .. Mpich]),
    ];

    /// <summary>
    /// The meeting point of processes of torchrun, which are joined by NCCL; null for other launchers.
    /// </summary>
    internal Rendezvous? Rendezvous { get; private init; }

    /// <summary>Detects the launcher from the environment.</summary>
    /// <param name="variable">Returns an environment variable; null if it is not set.</param>
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

    /// <summary>
    /// The default number of libtorch threads of a process: one per core, and at most OMP_NUM_THREADS, as in PyTorch.
    /// </summary>
    /// <param name="processes">Processes in all, above 0.</param>
    public static int TorchThreads(int processes) => CpuShare.TorchThreads(processes);

    /// <summary>Number of the processes on this machine; null if the launcher does not say.</summary>
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

    /// <summary>Whether this process is the first of all. Works before <see cref="Join"/>.</summary>
    public static bool IsFirst(Func<string, string?> variable)
    {
        ArgumentNullException.ThrowIfNull(variable);
        return Ranks.Select(variable).FirstOrDefault(rank => rank is not null) is null or "0";
    }

    /// <summary>Joins the other processes. A single process needs no MPI.</summary>
    /// <param name="lost">
    /// Called with the rank of a process that has died or was stopped, on another thread, before all processes are
    /// ended.
    /// </param>
    /// <exception cref="DllNotFoundException">No MPI library was found.</exception>
    /// <exception cref="InvalidOperationException">The MPI library is not the launcher's.</exception>
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
