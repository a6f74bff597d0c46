using MoCoSharp.Cli.Progress;
using MoCoSharp.Distributed;
using MoCoSharp.Distributed.Mpi;
using MoCoSharp.Runs;

namespace MoCoSharp.Cli;

/// <summary>
/// A verb that several processes carry out together, as mpirun or srun started them; alone it runs as ever.
/// </summary>
internal static class Processes
{
    private static readonly TimeSpan FirstToSpeak = TimeSpan.FromSeconds(3);
    // verbs that several processes carry out together
    private static readonly string[] Shared = ["pretrain", "knn", "linear", "embed"];
    private static readonly TextWriter errors = Console.Error; // also of processes that do not speak
    private static Func<string?> newest = () => null;
    private static MpiGroup? mpi;

    /// <summary>Standard error, also of a process that does not speak.</summary>
    public static TextWriter Errors => errors;

    /// <summary>Whether this process writes for all.</summary>
    public static bool IsMain { get; private set; } = true;

    /// <summary>
    /// Whether there are several processes: what they write goes through the launcher, and is no terminal's.
    /// </summary>
    public static bool IsDistributed { get; private set; }

    /// <summary>Where the newest checkpoint is asked for, should a process be lost.</summary>
    public static void Guard(RunFolder run) => newest = () => run.Checkpoints() is [var latest, ..] ? latest : null;

    /// <summary>What should be said when a process goes: where to go on.</summary>
    public static string Advice =>
        newest() is { } checkpoint
            ? $"The newest checkpoint is {checkpoint}, and --resume goes on from it."
            : "There is no checkpoint yet.";

    /// <summary>
    /// Tells that a signal asks for an end: the first process does, or, where that has gone, the first that is left.
    /// </summary>
    public static void TellStop(string message)
    {
        if (!IsDistributed)
        {
            errors.WriteLine($"moco: {message}");
        }
        else if (mpi is { HasStoodStill: false, IsFirstAlive: true })
        {
            errors.WriteLine($"moco: {message} Should that not be reached: {Advice}");
        }
    }

    /// <summary>
    /// Runs the verb on every process; the first one speaks and writes. What fails on one is told once, and ends all.
    /// </summary>
    public static int Run(bool verbose, Func<IProcessGroup, int> verb)
    {
        var launcher = Launcher.Detect(Environment.GetEnvironmentVariable);
        if (launcher.Processes == 1)
        {
            return ExitCode.Run(verbose, () => verb(SingleProcess.Instance));
        }

        IsDistributed = true;
        Environment.SetEnvironmentVariable("TERM", "dumb"); // mpirun's pseudo-terminal is none to draw on
        Screen.BePlain();
        IProcessGroup? joined = null;
        var code = ExitCode.Run(verbose, () =>
        {
            joined = launcher.Join(rank =>
                errors.WriteLine(
                    $"moco: process {rank} of {launcher.Processes} gives no sign of life: it has died or was " +
                    $"stopped. All are ended. {Advice}"));
            return ExitCode.Done;
        });
        if (joined is null)
        {
            return code;
        }

        mpi = joined as MpiGroup;
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

    /// <summary>
    /// Faults that any process found before the work began, on all of them; none where there are none.
    /// </summary>
    /// <param name="group">Every process calls this.</param>
    /// <param name="mine">This one's.</param>
    public static IReadOnlyList<string> Agree(IProcessGroup group, IReadOnlyCollection<string> mine)
    {
        if (group.Size == 1)
        {
            return [.. mine];
        }

        var all = GroupText
            .Gather(group, string.Join('\0', mine))
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

    /// <summary>Ends a verb that no process can begin: told once, by the first.</summary>
    public static int Refuse(IProcessGroup group, IReadOnlyList<string> faults) =>
        group.Size == 1 ? throw new ConfigurationException(faults) : ExitCode.Tell(faults, ExitCode.Usage);

    /// <summary>
    /// What is said where several processes were started for a verb of one; null where it is well. All but the first
    /// say nothing.
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
            return $"moco: {verb} is the work of one process, and {launcher.Name} started {launcher.Processes}. " +
                "Start it without."
                + Environment.NewLine;
        }

        Thread.Sleep(FirstToSpeak); // whoever ends first ends the others
        return "";
    }

    // The first process tells at once, and all end. Another waits for that, in case that the same befell it, and tells
    // if nobody did.
    private static int Fail(IProcessGroup group, IEnumerable<string> messages, int code)
    {
        Thread.Sleep(
            group.Rank == 0 ? TimeSpan.Zero : FirstToSpeak + TimeSpan.FromMilliseconds(100 * Math.Min(group.Rank, 50)));
        foreach (var message in messages)
        {
            errors.WriteLine(
                $"moco: {(group.Rank == 0 ? "" : $"process {group.Rank} on {Environment.MachineName}: ")}{message}");
        }

        errors.WriteLine($"moco: all {group.Size} processes are ended. {Advice}");
        group.Abort("");
        return code;
    }

    private static string HostOf(IProcessGroup group, int rank) =>
        group is MpiGroup several ? several.Hosts[rank] : Environment.MachineName;
}
