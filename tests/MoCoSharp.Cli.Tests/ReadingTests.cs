using MoCoSharp.Data.Datasets;
using MoCoSharp.Data.Images;
using MoCoSharp.Runs;

namespace MoCoSharp.Cli.Tests;

/// <summary>The real program on images that come and go while it trains.</summary>
public sealed class ReadingTests : IDisposable
{
    private static readonly string[] Settings =
        [
            .. Moco.Tiny.Split(' '), "data=set", "epochs=100000", "logEvery=1", "knn.everyEpochs=0",
            "checkpoints.everyEpochs=100000", "health.everySteps=0",
        ];

    private readonly string folder = Directory.CreateTempSubdirectory("moco").FullName;

    public ReadingTests()
    {
        var images = new Patterns(24, 20, seed: 5);
        for (var i = 0; i < images.Count; i++)
        {
            var file = Path.Combine(folder, "set", i % 2 == 0 ? "cats" : "dogs", $"{i:D2}.png");
            Directory.CreateDirectory(Path.GetDirectoryName(file)!);
            File.WriteAllBytes(file, ImageEncoder.Png(images.Read(i).Image));
        }
    }

    [Fact]
    public void AFolderThatIsMissingForAWhile_IsUsedAgain_AndTheImagesLeftOutAreReported()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "sends a signal");
        using var job = new Job(Moco.StartInfo(folder, ["pretrain", "patterns", "--run", "run", "--set", .. Settings]));
        job.Until("step 10/");
        Directory.Move(Path.Combine(folder, "set", "dogs"), Path.Combine(folder, "away"));
        job.UntilError("there is no such file; a dangling link? Another image replaces it this time.");
        Directory.Move(Path.Combine(folder, "away"), Path.Combine(folder, "set", "dogs"));
        var back = Steps().Last();
        job.Until($"step {back + 60}/"); // what was read ahead is behind
        job.Process.Signal("TERM");
        var (output, _) = job.Wait(75);

        Assert.Matches("images? (was|were) left out .* because (it|they) could not be read then \\(dogs/", output);
        var lines = MetricsLog.Read(Path.Combine(folder, "run", "metrics.jsonl")).ToList();
        Assert.Contains(lines, line => line["leftOut"] is not null);
        // each image has its turns again
        Assert.All(lines.Where(line => (long)line["step"]! > back + 20), line => Assert.Null(line["leftOut"]));
        var (_, doctor, _) = Moco.Run(folder, "doctor", "run");
        Assert.Contains("could not be read then (dogs/", doctor);
    }

    [Fact]
    public void AFolderThatStaysMissing_IsWaitedFor_ThenTheRunSavesAndEnds()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "moves a folder that is in use");
        using var job = new Job(
            Moco.StartInfo(
                folder,
                ["pretrain", "patterns", "--run", "run", "--set", .. Settings, "loader.outageSeconds=2"]));
        job.Until("step 10/");
        Directory.Move(Path.Combine(folder, "set"), Path.Combine(folder, "away"));
        var (_, error) = job.Wait(1);

        Assert.Contains("set: no image can be read now: ", error);
        Assert.Contains("Waiting up to 2 s for them", error);
        Assert.Contains("none of the 24 images could be read for 2 s", error);
        Assert.Equal(Steps().Last(), RunFolder.StepOf(RunFolder.Open(Path.Combine(folder, "run")).Checkpoints()[0]));

        Directory.Move(Path.Combine(folder, "away"), Path.Combine(folder, "set"));
        var (code, output, said) = Moco.Run(
            folder, "pretrain", "--resume", "--run", "run", "--steps", $"{Steps().Last() + 2}");
        Assert.True(code == 0, said);
        Assert.Contains($"resumed after step {Steps().Last() - 2}", output);

        Directory.Move(Path.Combine(folder, "run"), Path.Combine(folder, "my run"));
        (code, _, said) = Moco.Run(folder, "compare", "my run");
        Assert.Equal(1, code);
        Assert.Contains("moco knn 'my run'", said); // how to make something to compare
    }

    [Fact]
    public void AnImageLeftOut_IsCounted_OnAnyProcess()
    {
        Mpirun.Demand();
        File.WriteAllText(Path.Combine(folder, "set", "cats", "00.png"), "no image");
        File.CreateSymbolicLink(Path.Combine(folder, "set", "dogs", "missing.png"), "nowhere.png");
        foreach (var (name, processes) in new[] { ("alone", 1), ("two", 2) })
        {
            using var job = new Job(
                Mpirun.Start(
                    folder,
                    processes,
                    ["pretrain", "patterns", "--run", name, "--steps", "12", "--set", .. Settings, "logEvery=3"]));
            job.Wait(0);
        }

        var alone = LeftOut.Sum(MetricsLog.Read(Path.Combine(folder, "alone", "metrics.jsonl")))!;
        Assert.True(alone.BrokenTurns > 0 && alone.UnreadableTurns > 0);
        Assert.Equal(
            alone.Describe(),
            LeftOut.Sum(MetricsLog.Read(Path.Combine(folder, "two", "metrics.jsonl")))!.Describe());
    }

    public void Dispose() => Directory.Delete(folder, recursive: true);

    private IEnumerable<long> Steps() =>
        MetricsLog.Read(Path.Combine(folder, "run", "metrics.jsonl")).Select(line => (long)line["step"]!);
}
