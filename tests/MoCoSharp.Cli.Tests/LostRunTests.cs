using System.Diagnostics;
using System.Globalization;
using MoCoSharp.Runs;

namespace MoCoSharp.Cli.Tests;

/// <summary>
/// The real program, ended again and again at random moments, each time resumed: it ends in the bits of an undisturbed
/// run. MOCOSHARP_KILLS=100 does it that often; MOCOSHARP_KILL_LOG names a file for what was done.
/// </summary>
public sealed class LostRunTests : IDisposable
{
    private static readonly string[] Settings =
    [
        .. Moco.Tiny.Split(' '), "data=patterns:24", "epochs=12", "logEvery=3", "knn.everyEpochs=2",
        "checkpoints.everySteps=2", "checkpoints.keep=2",
    ];

    private readonly string folder = Directory.CreateTempSubdirectory("moco").FullName;
    private readonly Random random = new(
        int.TryParse(Environment.GetEnvironmentVariable("MOCOSHARP_KILL_SEED"), out var seed) ? seed : 1);
    private readonly List<string> log = [];
    private readonly Stopwatch watch = Stopwatch.StartNew();

    private static int Times { get; } =
        int.TryParse(Environment.GetEnvironmentVariable("MOCOSHARP_KILLS"), out var times) ? times : 10;

    [Fact]
    public void KilledAtRandomMoments_ItEndsInTheSameBits()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "sends signals");
        string[] moments = ["step", "Opened", "evaluation", "Written", "Renamed", "any"];
        RunUntil(done => moments[done % moments.Length], Kill);
    }

    [Fact]
    public void TerminatedAtRandomMoments_ItSavesExits75_AndEndsInTheSameBits()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "sends signals");
        string[] moments = ["step", "saved", "evaluation", "any"];
        RunUntil(done => moments[done % moments.Length], Terminate);
    }

    public void Dispose()
    {
        if (Environment.GetEnvironmentVariable("MOCOSHARP_KILL_LOG") is { Length: > 0 } path)
        {
            File.AppendAllLines(path, log);
        }

        Directory.Delete(folder, recursive: true);
    }

    private void RunUntil(Func<int, string> moment, Func<string, string, int, bool> end)
    {
        var (code, _, error) = Moco.Run(folder, ["pretrain", "patterns", "--run", "whole", "--set", .. Settings]);
        Assert.True(code == 0, error);
        var expected = Content("whole");
        for (int done = 0, run = 0; done < Times; run++)
        {
            // A run that is through before it was ended often enough is compared, and another begun.
            var name = $"run{run}";
            while (done < Times && end(name, moment(done), done))
            {
                done++;
            }

            (code, _, error) = Moco.Run(folder, Arguments(name));
            Assert.True(code == 0, $"{error}\n{string.Join('\n', log)}");
            Assert.Equal(expected, Content(name));
            Log($"{name}: ended in the bits of the undisturbed run");
        }
    }

    private bool Kill(string run, string moment, int number)
    {
        var start = Moco.StartInfo(folder, Arguments(run));
        var inSave = Enum.TryParse<MoCoSharp.PyTorch.AtomicFile.Stage>(moment, out _);
        if (inSave)
        {
            start.Environment["DOTNET_STARTUP_HOOKS"] = typeof(LostRunTests).Assembly.Location;
            start.Environment["MOCO_DIE_AT"] =
                $"{moment} {random.Next(1, 4)} {(moment == "Opened" ? random.Next(1500) : 0)}";
        }

        using var process = Process.Start(start)!;
        var output = Listen(process, inSave ? "nothing" : moment, out var last);
        if (!inSave)
        {
            process.Kill();
        }

        Assert.True(process.WaitForExit(TimeSpan.FromMinutes(4)));
        output();
        var killed = process.ExitCode == 128 + 9;
        Assert.True(killed || process.ExitCode == 0, $"exit {process.ExitCode} after {last()}");
        Log(
            killed
                ? $"{run}: kill {number + 1} at {moment}: after \"{last()}\"; left: {Leftovers(run)}"
                : $"{run}: was through before the kill at {moment}");
        return killed;
    }

    private bool Terminate(string run, string moment, int number)
    {
        using var process = Process.Start(Moco.StartInfo(folder, Arguments(run)))!;
        var output = Listen(process, moment, out var last);
        Moco.Signal(process, "TERM");
        Assert.True(process.WaitForExit(TimeSpan.FromMinutes(4)));
        output();
        Assert.True(process.ExitCode is 75 or 0, $"exit {process.ExitCode} after {last()}");
        Log(
            process.ExitCode == 75
                ? $"{run}: SIGTERM {number + 1} at {moment}: exit 75 after \"{last()}\""
                : $"{run}: was through before the signal at {moment}");
        return process.ExitCode == 75;
    }

    // Reads what the process says until the moment has come; the rest of it is read by the action that is returned.
    private Action Listen(Process process, string moment, out Func<string> last)
    {
        var said = "nothing";
        last = () => said;
        var (wanted, nth) = moment switch
        {
            "step" => ("step ", random.Next(1, 4)),
            "saved" => ("saved ", random.Next(1, 4)),
            // an epoch's end: the monitor is at work for longer than anything else
            "evaluation" => ("saved ", random.Next(1, 6)),
            "any" => ("", 1),
            _ => ("nothing at all", 1),
        };
        process.ErrorDataReceived += (_, _) => { };
        process.BeginErrorReadLine();
        while (process.StandardOutput.ReadLine() is { } line)
        {
            said = line;
            if (wanted.Length == 0 || (line.Contains(wanted) && --nth == 0))
            {
                Thread.Sleep(random.Next(moment == "any" ? 1500 : 60));
                break;
            }
        }

        return () =>
        {
            while (process.StandardOutput.ReadLine() is { } line)
            {
                said = line;
            }
        };
    }

    private string[] Arguments(string run) => File.Exists(Path.Combine(folder, run, "config.json"))
        ? ["pretrain", "--run", run, "--resume"]
        : ["pretrain", "patterns", "--run", run, "--set", .. Settings];

    // All that a run leaves, but for the time that things took.
    private string Content(string run)
    {
        var opened = RunFolder.Open(Path.Combine(folder, run));
        var lines = MetricsLog.Read(opened.MetricsPath).Select(line =>
        {
            line.Remove("imagesPerSecond");
            line.Remove("waitShare");
            line.Remove("seconds");
            line.Remove("healthShare");
            return line.ToJsonString();
        });
        return string.Join(
            '\n',
            lines.Append(
                Convert.ToHexString(
                    System.Security.Cryptography.SHA256.HashData(File.ReadAllBytes(opened.Checkpoints()[0])))));
    }

    private string Leftovers(string run)
    {
        var checkpoints = Path.Combine(folder, run, "checkpoints");
        return Directory.Exists(checkpoints)
            ? string.Join(' ', Directory.GetFiles(checkpoints).Select(Path.GetFileName).Order())
            : "no folder";
    }

    private void Log(string line) =>
        log.Add(string.Create(CultureInfo.InvariantCulture, $"{watch.Elapsed.TotalSeconds, 7:F1} s  {line}"));
}
