using System.Text.Json.Nodes;
using MoCoSharp.Runs;

namespace MoCoSharp.Cli.Tests;

public sealed class DoctorTests : IDisposable
{
    private static readonly string[] Settings =
    [
        .. Moco.Tiny.Split(' '), "data=patterns:24", "logEvery=1", "knn.everyEpochs=0", "optimizer.schedule=constant",
    ];

    private readonly string folder = Directory.CreateTempSubdirectory("moco").FullName;

    [Fact]
    public void AHealthyRun_HasItsFiguresExplained_AndABrokenCheckpointIsNamed()
    {
        var (code, _, error) = Moco.Run(
            folder,
            ["pretrain", "patterns", "--run", "run", "--set", .. Settings, "moco.queueSize=64",
                "optimizer.learningRate=0.001"]);
        Assert.True(code == 0, error);

        var (verdict, output, said) = Moco.Run(folder, "doctor", "run");

        Assert.True(verdict == 0, output + said);
        Assert.All(
            [
                "no process is training there", "step-00000006.safetensors: whole",
                "Mean cosine of a query and its own key",
                "The queue is 62 % full", "no problem found",
            ],
            part => Assert.Contains(part, output));

        var newest = RunFolder.Open(Path.Combine(folder, "run")).Checkpoints()[0];
        var bytes = File.ReadAllBytes(newest);
        bytes[^9] ^= 4;
        File.WriteAllBytes(newest, bytes);
        (verdict, output, _) = Moco.Run(folder, "doctor", "run");
        Assert.Equal(1, verdict);
        Assert.Contains("step-00000006.safetensors: its checksum does not match its content", output);
        Assert.DoesNotContain("no problem", output);
    }

    [Fact]
    public void ADivergedRun_IsReportedWithEvidenceCauseAndCure()
    {
        var (code, _, error) = Moco.Run(
            folder,
            [
                "pretrain", "patterns", "--run", "run", "--set", .. Settings, "optimizer.learningRate=1e30",
                    "epochs=40",
                "checkpoints.everySteps=1",
            ]);
        Assert.Equal(1, code);
        Assert.Contains("Loss is NaN at step 2", error);

        var (verdict, output, said) = Moco.Run(folder, "doctor", "run");

        Assert.True(verdict == 1, output + said);
        Assert.All(
            [
                "The loss is NaN: the run has ended. (step 2)", "evidence: First bad tensor: encoder_",
                "The batch: patterns#", "cause: ", "cure: ",
            ],
            part => Assert.Contains(part, output));
        Assert.Equal(
            8,
            JsonNode.Parse(File.ReadAllText(Path.Combine(folder, "run", "diverged.json")))!["images"]!.AsArray().Count);
    }

    public void Dispose() => Directory.Delete(folder, recursive: true);
}
