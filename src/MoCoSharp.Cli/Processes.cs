using MoCoSharp.Cli.Progress;
using MoCoSharp.Distributed;
using MoCoSharp.Distributed.Mpi;
using MoCoSharp.Runs;

namespace MoCoSharp.Cli;

/// <summary>Runs a verb on several processes that mpirun or srun started, or on this process alone.</summary>
internal static class Processes
{
    private static readonly TimeSpan FirstToSpeak = TimeSpan.FromSeconds(3);
    // Verbs that support several processes.
    private static readonly string[] Shared = ["pretrain", "knn", "linear", "embed"];
    private static readonly TextWriter StandardError = Console.Error; // also of processes other than the main one
    private static Func<string?> _newest = () => null;
    private static MpiGroup? _mpi;
    private static volatile bool _endsAll; // the launcher's SIGTERM that follows is no news

    /// <summary>Standard error, also of a process other than the main one.</summary>
    public static TextWriter Errors => StandardError;

    /// <summary>Whether this process writes the output for all.</summary>
    public static bool IsMain { get; private set; } = true;

    /// <summary>
    /// Whether there are several processes. Their output goes through the launcher, not to a terminal.
    /// </summary>
    public static bool IsDistributed { get; private set; }

    /// <summary>Sets the run whose newest checkpoint is named if a process is lost.</summary>
    public static void Guard(RunFolder run) => _newest = () => run.Checkpoints() is [var latest, ..] ? latest : null;

    /// <summary>Advice after the loss of a process: how to continue.</summary>
    public static string Advice =>
        _newest() is { } checkpoint
            ? $"The newest checkpoint is {checkpoint}; --resume continues from it."
            : "There is no checkpoint yet.";

    /// <summary>Prints that a signal requests a stop. Only the first process that is alive prints.</summary>
    public static void TellStop(string message)
    {
        if (!IsDistributed)
        {
            StandardError.WriteLine($"moco: {message}");
        }
        else if (!_endsAll && _mpi is { HasStoodStill: false, IsFirstAlive: true })
        {
            StandardError.WriteLine($"moco: {message} If that fails: {Advice}");
        }
    }

    /// <summary>
    /// Runs the verb on every process; only the main process prints and writes. A fault on one process is reported
    /// once, and ends all.
    /// </summary>
    public static int Run(bool verbose, Func<IProcessGroup, int> verb)
    {
        var launcher = Launcher.Detect(Environment.GetEnvironmentVariable);
        if (launcher.Processes == 1)
        {
            return ExitCode.Run(verbose, () => verb(SingleProcess.Instance));
        }

        IsDistributed = true;
        Environment.SetEnvironmentVariable("TERM", "dumb"); // do not draw on mpirun's pseudo-terminal
        Screen.BePlain();
        IProcessGroup? joined = null;
        var code = ExitCode.Run(verbose, () =>
        {
            TorchRuntime.Load(); // the first messages are tensors
            joined = launcher.Join(rank =>
            {
                _endsAll = true;
                StandardError.WriteLine(
                    $"moco: process {rank} of {launcher.Processes} does not respond: it has died or was stopped. " +
                    $"All processes end. {Advice}");
            });
            return ExitCode.Done;
        });
        if (joined is null)
        {
            return code;
        }

        _mpi = joined as MpiGroup;
        IsMain = joined.Rank == 0;
        if (!IsMain)
        {
            Console.SetOut(TextWriter.Null);
            Console.SetError(TextWriter.Null);
        }

        code = ExitCode.Run(verbose, () => verb(joined), (messages, failed) => Fail(joined, messages, failed));
        joined.Dispose();
        return code;
    }

    /// <summary>Shares the faults that any process found before the work started; empty if there are none.</summary>
    /// <param name="group">Every process must call this.</param>
    /// <param name="mine">Faults of this process.</param>
    public static IReadOnlyList<string> Agree(IProcessGroup group, IReadOnlyCollection<string> mine)
    {
        if (group.Size == 1)
        {
            return [.. mine];
        }

        var all = group
            .Gather(string.Join('\0', mine))
            .Select(text => text.Split('\0', StringSplitOptions.RemoveEmptyEntries))
            .ToList();
        return
        [
            .. all[0],
            .. all.SelectMany(
                (faults, rank) =>
                    faults.Except(all[0]).Select(fault => $"process {rank} on {HostOf(group, rank)}: {fault}")),
        ];
    }

    /// <summary>Ends a verb that cannot start; the main process reports the faults.</summary>
    public static int Refuse(IProcessGroup group, IReadOnlyList<string> faults) =>
        group.Size == 1 ? throw new ConfigurationException(faults) : ExitCode.Tell(faults, ExitCode.Usage);

    /// <summary>
    /// The message if several processes were started for a verb that supports only one; otherwise null. Only the first
    /// process prints it.
    /// </summary>
    public static string? Refusal(string verb)
    {
        var launcher = Launcher.Detect(Environment.GetEnvironmentVariable);
        if (launcher.Processes == 1 || Shared.Contains(verb))
        {
            return null;
        }

        if (Launcher.IsFirst(Environment.GetEnvironmentVariable))
        {
            return $"moco: {verb} supports only one process, but {launcher.Name} started {launcher.Processes}. " +
                $"Start it without {launcher.Name}."
                + Environment.NewLine;
        }

        Thread.Sleep(FirstToSpeak); // the first process to end makes the launcher end the others
        return "";
    }

    // The first process reports at once, and all end. Other processes wait first, in case the first one has the same
    // fault.
    private static int Fail(IProcessGroup group, IEnumerable<string> messages, int code)
    {
        Thread.Sleep(
            group.Rank == 0 ? TimeSpan.Zero : FirstToSpeak + TimeSpan.FromMilliseconds(100 * Math.Min(group.Rank, 50)));
        foreach (var message in messages)
        {
            StandardError.WriteLine(
                $"moco: {(group.Rank == 0 ? "" : $"process {group.Rank} on {Environment.MachineName}: ")}{message}");
        }

        _endsAll = true;
        StandardError.WriteLine($"moco: all {group.Size} processes end. {Advice}");
        group.Abort("");
        return code;
    }

    private static string HostOf(IProcessGroup group, int rank) =>
        group is MpiGroup several ? several.Hosts[rank] : Environment.MachineName;
}
