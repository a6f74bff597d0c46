using System.Diagnostics;
using MoCoSharp.Data.Datasets;
using MoCoSharp.Data.Images;
using MoCoSharp.Runs;

namespace MoCoSharp.Cli.Tests;

/// <summary>The real program under Open MPI's mpirun, and what becomes of it when a process fails.</summary>
public sealed class ProcessesTests : IDisposable
{
    private static readonly string[] Settings =
    [
        .. Moco.Tiny.Split(' '), "data=patterns:24", "logEvery=1", "knn.everyEpochs=0",
    ];

    private readonly string folder = Directory.CreateTempSubdirectory("moco").FullName;

    [Fact]
    public void AResumedRun_EndsInTheSameBits_OnAsManyProcesses_AndResumesOnAnotherNumber()
    {
        End(0, Start(2, ["pretrain", "patterns", "--run", "whole", "--set", .. Settings]));
        End(0, Start(2, ["pretrain", "patterns", "--run", "parts", "--steps", "4", "--set", .. Settings]));
        var output = End(0, Start(2, ["pretrain", "--run", "parts", "--resume"])).Output;

        Assert.Equal(Newest("whole"), Newest("parts"));
        Assert.Single(output.Split('\n'), line => line.Contains("resumed after step 4")); // one process speaks
        Assert.Equal(6, MetricsLog.Read(Run("parts").MetricsPath).Count()); // and writes

        var (code, alone, error) = Moco.Run(
            folder, "pretrain", "--resume", "--run", "parts", "--set", "epochs=3", "--resume-with-changes");
        Assert.True(code == 0, error);
        Assert.Contains("changed: processes: checkpoint 2, run 1: the same computation except for rounding", alone);
    }

    [Fact]
    public void ATimeBudget_IsMeasuredTogether_AndAllTakeTheSameEpochs()
    {
        string[] settings = [.. Settings.Where(setting => setting != "epochs=2")];
        var (output, error) = End(
            0, Start(2, ["pretrain", "patterns", "--run", "run", "--minutes", "3", "--steps", "4", "--set",
                .. settings]));

        var epochs = RunConfigFile.Load(Run("run").ConfigPath).Epochs;
        Assert.Contains($"note: {epochs} epochs of 3 steps take about ", output + error);
        Assert.Contains("ended after the requested 4 steps", output);
    }

    [Fact]
    public void ProcessesWithOtherConfigurationsOrImages_AreReported_BeforeAnyWork()
    {
        Mpirun.Demand();
        var error = End(2, Mpirun.Start(folder, 1, ["pretrain", "patterns", "--run", "run", "--set", .. Settings], 1,
            ["pretrain", "patterns", "--run", "run", "--set", .. Settings, "data=patterns:32",
                "optimizer.learningRate=0.01"])
    ).Error;

        Assert.Contains("optimizer.learningRate: process 0 0.12, this one 0.01", error);
        Assert.Contains("data: process 0 24 images", error);
        Assert.False(Directory.Exists(Path.Combine(folder, "run")));
    }

    [Fact]
    public void ABatchThatDoesNotDivide_IsRefused_WithTheCure()
    {
        var error = End(2, Start(3, ["pretrain", "patterns", "--run", "run", "--set", .. Settings])).Error;

        Assert.Contains("batchSize is 8, which does not divide among 3 processes. Take a batchSize of 9.", error);
        Assert.Single(
            error.Split('\n'),
            line => line.Contains("bnGroups is 2, which does not divide among 3 processes"));
    }

    [Fact]
    public void Usr1ToMpirun_SavesAndExits75()
    {
        using var job = Endless();
        job.Process.Signal("USR1");
        var (output, _) = job.Wait(75);
        Assert.Contains("stopped after ", output);
        Assert.True(Run("run").Checkpoints().Count > 1);
    }

    [Fact]
    public void TermToMpirun_SavesWithinTheGrace()
    {
        using var job = Endless("--mca", "odls_base_sigkill_timeout", "10");
        job.Process.Signal("TERM");
        Assert.Contains("stopped after ", job.Wait(1).Output); // mpirun's own exit code
    }

    [Theory]
    [InlineData("KILL", 0, "SIGTERM")]
    [InlineData("KILL", 1, "SIGTERM")]
    [InlineData("STOP", 0, "process 0 of 2 does not respond")]
    [InlineData("STOP", 1, "process 1 of 2 does not respond")]
    public void AProcessThatIsLost_EndsTheJob_WithOneMessageThatNamesTheCheckpoint(
        string signal,
        int rank,
        string message)
    {
        using var job = Endless();
        Mpirun.SignalRank(job.Process, rank, signal);

        var lines = job.Wait(null)
            .Error.Split('\n')
            .Where(line => line.Contains("moco: ") && !line.Contains("note: "))
            .ToList();

        Assert.Contains(message, Assert.Single(lines));
        Assert.Contains("The newest checkpoint is run/checkpoints/step-", lines[0]);
    }

    [Fact]
    public void AnExceptionOnOneProcess_IsReportedOnce_AndEndsAll()
    {
        Mpirun.Demand();
        Directory.CreateDirectory(Path.Combine(folder, "images"));
        for (var i = 0; i < 16; i++)
        {
            var path = Path.Combine(folder, "images", $"{i:D2}.png");
            File.WriteAllBytes(
                path,
                i == 7 ? [1, 2, 3] : ImageEncoder.Png(new Patterns(16, 32, seed: 1).Read(i).Image));
        }

        var (output, error) = End(
            null,
            Start(2, ["pretrain", "patterns", "--run", "run", "--on-bad-image", "fail", "--set", .. Settings,
                "data=images"]));

        Assert.DoesNotContain("done: ", output);
        // mpirun's SIGTERM may have the other say that it stops; what went wrong is told once.
        var lines = error.Split('\n').Where(line => line.Contains("moco: ") && !line.Contains("warning: ")).ToList();
        Assert.Single(lines, line => line.Contains("07.png"));
        Assert.Single(lines, line => line.Contains("all 2 processes end"));
    }

    [Fact]
    public void AVerbForOneProcess_IsRefusedOnSeveral() =>
        Assert.Single(
            End(2, Start(2, ["inspect", "--environment"])).Error.Split('\n'),
            line => line.Contains("inspect supports only one process, but Open MPI's mpirun started 2"));

    public void Dispose() => Directory.Delete(folder, recursive: true);

    private ProcessStartInfo Start(int processes, string[] arguments)
    {
        Mpirun.Demand();
        return Mpirun.Start(folder, processes, arguments);
    }

    // A job that has saved once.
    private Job Endless(params string[] options)
    {
        Mpirun.Demand();
        // Open MPI reads no output from its own SIGTERM until it ends the ranks: one that says much would stand still,
        // writing.
        string[] quietly =
        [
            "epochs=100000", "logEvery=50", "checkpoints.everySteps=20", "checkpoints.everyEpochs=100000",
        ];
        var start = Mpirun.Start(
            folder,
            2,
            ["pretrain", "patterns", "--run", "run", "--set", .. Settings, .. quietly],
            options: options);
        start.Environment["MOCO_SILENCE_SECONDS"] = "4";
        var job = new Job(start);
        job.Until("saved run");
        return job;
    }

    private static (string Output, string Error) End(int? code, ProcessStartInfo start)
    {
        using var job = new Job(start);
        return job.Wait(code);
    }

    private RunFolder Run(string name) => RunFolder.Open(Path.Combine(folder, name));

    private byte[] Newest(string name) => File.ReadAllBytes(Run(name).Checkpoints()[0]);
}
