using System.Diagnostics;
using System.Text;
using MoCoSharp.Runs;

namespace MoCoSharp.Cli.Tests;

public sealed class SignalTests : IDisposable
{
    private static readonly string[] EndlessSettings =
    [
        .. Moco.Tiny.Split(' '), "data=patterns:400", "epochs=1000", "knn.everyEpochs=0",
        "checkpoints.everyEpochs=1000",
    ];

    private readonly string folder = Directory.CreateTempSubdirectory("moco").FullName;

    [Theory]
    [InlineData("INT")]
    [InlineData("USR1")]
    [InlineData("HUP")]
    public void ASignal_SavesAndExits75(string signal)
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "sends a signal");
        using var process = Endless();
        Until(process, "step 20/");
        Moco.Signal(process, signal);
        process.StandardOutput.ReadToEnd();
        Assert.True(process.WaitForExit(TimeSpan.FromMinutes(4)));
        Assert.Equal(75, process.ExitCode);
        Assert.NotEmpty(RunFolder.Open(Path.Combine(folder, "run")).Checkpoints());
    }

    [Fact]
    public void AClosedTerminal_SavesAndEnds()
    {
        Terminal.Require();
        var shown = new StringBuilder();
        using var terminal = Terminal.Start(
            folder, 100, "xterm", ["pretrain", "patterns", "--run", "run", "--set", .. EndlessSettings]);
        Terminal.Until(terminal, "images/s", shown); // not every step is shown
        terminal.Kill(); // script(1), which holds the other end
        var run = RunFolder.Open(Path.Combine(folder, "run"));

        var limit = TimeProvider.System.GetUtcNow() + TimeSpan.FromMinutes(4);
        while (run.Checkpoints().Count == 0 || RunLock.Holder(run.Path) is not null)
        {
            Assert.True(TimeProvider.System.GetUtcNow() < limit, "The run did not save and end.");
            Thread.Sleep(100);
        }
    }

    [Fact]
    public void AHangUp_DoesNotEndWhatNohupStarted()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "sends a signal");
        var start = Moco.StartInfo(folder, ["pretrain", "patterns", "--run", "run", "--set", .. EndlessSettings]);
        start.ArgumentList.RemoveAt(0); // env's option, which would undo what nohup does
        start.FileName = "nohup";
        using var process = Process.Start(start)!;
        _ = Moco.KillAsync(process.Id, process.StartTime, TimeSpan.FromMinutes(8));
        Until(process, "step 20/");
        Moco.Signal(process, "HUP");
        Until(process, "step 60/");
        Moco.Signal(process, "TERM");
        process.StandardOutput.ReadToEnd();
        Assert.True(process.WaitForExit(TimeSpan.FromMinutes(4)));
        Assert.Equal(75, process.ExitCode);
    }

    [Fact]
    public void Usr1Continue_SavesAndContinues()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "sends a signal");
        using var process = Endless("--usr1", "continue");
        Until(process, "step 20/");
        Moco.Signal(process, "USR1");
        Until(process, "saved ");
        Until(process, "step ");
        Moco.Signal(process, "TERM");
        process.StandardOutput.ReadToEnd();
        Assert.True(process.WaitForExit(TimeSpan.FromMinutes(4)));
        Assert.Equal(75, process.ExitCode);
        Assert.Equal(2, RunFolder.Open(Path.Combine(folder, "run")).Checkpoints().Count);
    }

    [Fact]
    public void ASecondCtrlC_ExitsAtOnce_WithoutSaving()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "sends a signal");
        // Steps of many seconds: one cannot end between the two.
        using var process = Moco.Start(folder, [
            "pretrain", "patterns", "--run", "run", "--set", .. Moco.Tiny.Split(' '), "data=patterns:400",
                "encoder.depth=50",
            "encoder.width=64", "encoder.stem=cifar",
            "batchSize=128", "bnGroups=8", "views.size=64", "knn.everyEpochs=0"]);
        Until(process, "run:");
        Thread.Sleep(3000); // loads libtorch, and begins the first step
        Moco.Signal(process, "INT");
        Until(process.StandardError, "a second Ctrl-C");
        Moco.Signal(process, "INT");
        Assert.True(process.WaitForExit(TimeSpan.FromMinutes(4)));
        Assert.Equal(130, process.ExitCode);
        Assert.Empty(Directory.GetFiles(Path.Combine(folder, "run", "checkpoints")));
    }

    [Fact]
    public void ASecondProcess_IsRefused_WhileTheFirstTrains()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "sends a signal");
        using var process = Endless();
        Until(process, "step 20/");

        var (code, _, error) = Moco.Run(folder, "pretrain", "--resume", "--run", "run");

        Assert.Equal(1, code);
        Assert.Contains($"process {process.Id} on {Environment.MachineName} is training there", error);
        process.Kill();
        process.WaitForExit();

        // Killed, its lock is no obstacle.
        (code, _, error) = Moco.Run(folder, "pretrain", "--resume", "--run", "run", "--steps", "1");
        Assert.True(code == 0, error);
    }

    [Fact]
    public void AFullDisk_DoesNotEndTheRun()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux() && Namespaces(), "needs unshare -rm, for a small disk of its own");
        string[] settings =
        [
            .. Moco.Tiny.Split(' '), "data=patterns:24", "epochs=120", "logEvery=1", "knn.everyEpochs=0",
            "checkpoints.everySteps=5", "checkpoints.keep=2",
        ];
        var (code, _, error) = Moco.Run(folder, ["pretrain", "patterns", "--run", "whole", "--set", .. settings]);
        Assert.True(code == 0, error);

        // A disk of 8 MB, filled up once there is a checkpoint, and freed once the program has said so twice.
        Directory.CreateDirectory(Path.Combine(folder, "disk"));
        var script = $$"""
            mount -t tmpfs -o size=8m tmpfs disk || exit 99
            dotnet '{{Path.Combine(AppContext.BaseDirectory, "moco.dll")}}' \
            pretrain patterns --run disk/run --set {{string.Join(
                ' ',
                settings
            )}} > out.txt 2> err.txt &
            until grep -q "saved .*step-" out.txt; do sleep 0.02; kill -0 $! || exit 98; done
            until [ $(grep -c "was not saved" err.txt) -ge 2 ]; do
                cat /dev/zero >> disk/filler 2> /dev/null # again: old checkpoints are removed
                sleep 0.02
                kill -0 $! || exit 97
            done
            rm disk/filler
            wait $!
            code=$?
            cp -r disk/run ridden
            exit $code
            """;
        var start = new ProcessStartInfo("unshare", ["-rm", "sh", "-c", script]) { WorkingDirectory = folder };
        using var process = Process.Start(start)!;
        Assert.True(process.WaitForExit(TimeSpan.FromMinutes(4)));

        var said = File.ReadAllText(Path.Combine(folder, "err.txt"));
        Assert.True(process.ExitCode == 0, $"{process.ExitCode}: {said}");
        Assert.Contains("No space left", said);
        var (whole, ridden) = (
            RunFolder.Open(Path.Combine(folder, "whole")),
            RunFolder.Open(Path.Combine(folder, "ridden")));
        Assert.Equal(File.ReadAllBytes(whole.Checkpoints()[0]), File.ReadAllBytes(ridden.Checkpoints()[0]));
        Assert.Equal(Losses(whole), Losses(ridden)); // not a line was lost
        Assert.Empty(Directory.GetFiles(Path.Combine(folder, "ridden", "checkpoints"), "*.tmp"));
    }

    [Fact]
    public void Changes_AreRefused_OrAcceptedAndRecorded()
    {
        var (code, _, error) = Moco.Run(
            folder,
            [
                "pretrain", "patterns", "--run", "run", "--set", .. Moco.Tiny.Split(' '), "data=patterns:24",
                    "knn.everyEpochs=0",
                "--steps", "2",
            ]);
        Assert.True(code == 0, error);

        (code, _, error) = Moco.Run(
            folder, "pretrain", "--resume", "--run", "run", "--data", "patterns:40", "--set",
            "optimizer.learningRate=0.01", "epochs=3", "loader.workers=2");
        Assert.Equal(1, code);
        Assert.All(
            [
                "optimizer.learningRate: checkpoint 0.12, run 0.01", "epochs: checkpoint 2, run 3", "24 images",
                "--resume-with-changes",
            ],
            part => Assert.Contains(part, error));

        string output;
        (code, output, error) = Moco.Run(
            folder, "pretrain", "--resume-with-changes", "--run", "run", "--data", "patterns:40", "--set",
            "optimizer.learningRate=0.01", "epochs=3");
        Assert.True(code == 0, error);
        Assert.Contains("changed: optimizer.learningRate: checkpoint 0.12, run 0.01", output);
        Assert.Contains("done: ", output);
        Assert.Equal(3, RunFolder.Open(Path.Combine(folder, "run")).ReadConfig().Epochs);
        Assert.Contains("\"step\":2", File.ReadAllText(Path.Combine(folder, "run", "changes.jsonl")));

        // Loader workers are no change at all.
        (code, _, error) = Moco.Run(folder, "pretrain", "--resume", "--run", "run", "--set", "loader.workers=3");
        Assert.True(code == 0, error);
    }

    public void Dispose() => Directory.Delete(folder, recursive: true);

    private Process Endless(params string[] more) => Moco.Start(folder, [
        "pretrain", "patterns", "--run", "run", .. more, "--set", .. EndlessSettings,
    ]);

    private static IEnumerable<string> Losses(RunFolder run) =>
        MetricsLog
            .Read(run.MetricsPath)
            .Where(line => line.ContainsKey("loss"))
            .Select(line => $"{line["step"]} {line["loss"]}");

    private static void Until(Process process, string text) => Until(process.StandardOutput, text);

    private static void Until(StreamReader reader, string text)
    {
        while (reader.ReadLine() is { } line)
        {
            if (line.Contains(text))
            {
                return;
            }
        }

        Assert.Fail($"It ended without saying \"{text}\".");
    }

    private static bool Namespaces()
    {
        using var process = Process.Start(
            new ProcessStartInfo("unshare", ["-rm", "true"]) { RedirectStandardError = true, UseShellExecute = false }
        )!;
        process.WaitForExit();
        return process.ExitCode == 0;
    }
}
