using System.Diagnostics;
using System.Globalization;
using System.Text;
using MoCoSharp.Distributed;

namespace MoCoSharp.Cli.Tests;

/// <summary>Open MPI's launcher and the program; where it is missing a test is skipped, and fails in CI.</summary>
internal static class Mpirun
{
    /// <summary>The launcher's path; null if there is none.</summary>
    public static readonly string? Launcher = (Environment.GetEnvironmentVariable("PATH") ?? "").Split(':')
        .SelectMany(path => new[] { $"{path}/mpirun.openmpi", $"{path}/mpirun" }).FirstOrDefault(File.Exists);

    public static void Demand()
    {
        if (Launcher is null)
        {
            const string reason = "There is no mpirun: apt-get install openmpi-bin";
            Assert.False(Environment.GetEnvironmentVariable("CI") == "true", reason);
            Assert.Skip(reason);
        }
    }

    public static ProcessStartInfo Start(
        string folder, int processes, string[] arguments, int others = 0,
        string[]? otherArguments = null,
        string[]? options = null)
    {
        string moco = Path.Combine(AppContext.BaseDirectory, "moco.dll");
        string[] all =
        [
            "--allow-run-as-root", "--oversubscribe", .. options ?? [], "-np", $"{processes}", "dotnet", moco,
            .. arguments,
            .. others == 0 ? Array.Empty<string>() : [":", "-np", $"{others}", "dotnet", moco, .. otherArguments!],
        ];
        var start = new ProcessStartInfo(Launcher!, all)
        {
            WorkingDirectory = folder,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            UseShellExecute = false,
        };
        start.Environment["OMPI_MCA_btl_vader_single_copy_mechanism"] = "none"; // needs ptrace, which containers forbid
        return start;
    }

    public static void Signal(this Process process, string signal)
    {
        using var kill = Process.Start("kill", [$"-{signal}", $"{process.Id}"]);
        kill.WaitForExit();
    }

    /// <summary>A signal to the process of one rank, which mpirun started in that order.</summary>
    public static void SignalRank(Process mpirun, int rank, string signal)
    {
        var children = File.ReadAllText($"/proc/{mpirun.Id}/task/{mpirun.Id}/children")
            .Split(' ', StringSplitOptions.RemoveEmptyEntries);
        var process = children.Select(child => int.Parse(child, CultureInfo.InvariantCulture))
            .First(child =>
                File.ReadAllText($"/proc/{child}/environ").Split('\0').Contains($"OMPI_COMM_WORLD_RANK={rank}"));
        using var kill = Process.Start("kill", [$"-{signal}", $"{process}"]);
        kill.WaitForExit();
    }
}

/// <summary>A job under way, and what it has said.</summary>
internal sealed class Job : IDisposable
{
    private readonly StringBuilder output = new();
    private readonly StringBuilder error = new();

    public Job(ProcessStartInfo start)
    {
        Process = Process.Start(start)!;
        Process.OutputDataReceived += (_, line) => Add(output, line.Data);
        Process.ErrorDataReceived += (_, line) => Add(error, line.Data);
        Process.BeginOutputReadLine();
        Process.BeginErrorReadLine();
    }

    public Process Process { get; }

    public void Until(string text) => Until(output, text);

    public void UntilError(string text) => Until(error, text);

    /// <summary>Waits for the end, at most four minutes.</summary>
    public (string Output, string Error) Wait(int? code)
    {
        if (!Process.WaitForExit(TimeSpan.FromMinutes(4)))
        {
            Process.Kill(entireProcessTree: true);
            Assert.Fail($"It did not end. It said: {Said(output)}{Said(error)}");
        }

        Process.WaitForExit(); // for the rest of what it said
        Assert.True(
            code is null ? Process.ExitCode != 0 : Process.ExitCode == code,
            $"It ended with {Process.ExitCode}: {Said(error)}");
        return (Said(output), Said(error));
    }

    public void Dispose()
    {
        if (!Process.HasExited)
        {
            Process.Kill(entireProcessTree: true);
        }

        Process.Dispose();
    }

    private void Until(StringBuilder said, string text)
    {
        var since = Stopwatch.GetTimestamp();
        while (!Said(said).Contains(text))
        {
            Assert.False(Process.HasExited, $"It ended without saying \"{text}\": {Said(error)}");
            Assert.True(
                Stopwatch.GetElapsedTime(since) < TimeSpan.FromMinutes(3),
                $"It did not say \"{text}\": {Said(output)}");
            Thread.Sleep(50);
        }
    }

    private static void Add(StringBuilder text, string? line)
    {
        lock (text)
        {
            text.AppendLine(line);
        }
    }

    private static string Said(StringBuilder text)
    {
        lock (text)
        {
            return text.ToString();
        }
    }
}
