using MoCoSharp.Diagnostics;
using MoCoSharp.Methods;
using MoCoSharp.Runs;

namespace MoCoSharp.Tests.Diagnostics;

/// <summary>The report of moco doctor, from run folders that hold only text.</summary>
public sealed class RunDiagnosisTests : IDisposable
{
    private readonly string folder = Directory.CreateTempSubdirectory("moco").FullName;
    private readonly RunFolder run;

    public RunDiagnosisTests() => run = RunFolder.Create(
        Path.Combine(folder, "run"),
        new RunConfig { BatchSize = 10, BnGroups = 2, MoCo = new MoCoOptions { Dimension = 16, QueueSize = 40 } });

    [Fact]
    public void AnEmptyRun_IsSound_AndHasNoFigures()
    {
        var diagnosis = RunDiagnosis.Examine(run);

        Assert.True(diagnosis.IsSound);
        Assert.Null(diagnosis.Latest);
        Assert.Null(diagnosis.FigureShare);
        Assert.Null(diagnosis.NotYetLearned);
        Assert.Empty(diagnosis.Figures);
        Assert.Empty(diagnosis.Checkpoints);
    }

    [Fact]
    public void Figures_AreTheLatestOfEach_WithTheStepOfTheirReport()
    {
        Write(
            "{\"step\": 10, \"epoch\": 1, \"loss\": 3.5, \"healthShare\": 0.2, "
                + "\"health\": {\"queueFill\": 1, \"keyShift\": 0.5}}",
            """{"step": 20, "epoch": 2, "loss": 3.0, "healthShare": 0.4, "health": {"queueFill": 0.75}}""",
            """{"step": 20, "epoch": 2, "knn": 0.5}""");

        var diagnosis = RunDiagnosis.Examine(run);

        Assert.Equal((20, 2, 3.0, 0.0, 0.0), diagnosis.Latest);
        Assert.Equal(
            [("queueFill", 0.75, 20), ("keyShift", 0.5, 10)],
            diagnosis.Figures.Select(figure => (figure.Name, figure.Value, (int)figure.Step)));
        Assert.Equal(0.75, diagnosis.QueueFill);
        Assert.Equal(0.4, diagnosis.FigureShare); // the upper one of two
    }

    [Fact]
    public void ADiagnosisThatNoLongerHolds_IsEarlier()
    {
        Write(
            """{"step": 10, "verdict": "queue", "finding": "F.", "evidence": "E.", "cause": "C.", "cure": "D."}""");

        var diagnosis = RunDiagnosis.Examine(run);

        Assert.Equal(new Diagnosis("queue", 10, "F.", "E.", "C.", "D."), Assert.Single(diagnosis.Earlier));
        Assert.True(diagnosis.IsSound);
    }

    // 6 of 50 turns are more than a tenth, 4 are not.
    [Theory]
    [InlineData(6, true)]
    [InlineData(4, false)]
    public void ATenthOfTheTurnsLost_IsADiagnosis(int turns, bool isTold)
    {
        var lost = new LeftOut(turns, 0) { Broken = ["a.jpg"] }.ToJson();
        Write($$"""{"step": 5, "epoch": 1, "loss": 3.5, "leftOut": {{lost.ToJsonString()}}}""");

        var diagnosis = RunDiagnosis.Examine(run);

        Assert.Equal(isTold ? ["images"] : [], diagnosis.Diagnoses.Select(found => found.Id));
        Assert.Equal(!isTold, diagnosis.IsSound);
        Assert.NotNull(diagnosis.LeftOut);
    }

    [Fact]
    public void ADivergedRun_NamesTheCheckpointToContinueFrom()
    {
        File.WriteAllText(
            run.DivergedPath,
            """
            {"step": 7, "loss": "NaN", "learningRate": 3, "firstBadTensor": "fc.weight", "lastGoodStep": 6,
             "lastGoodLoss": 2.5, "checkpoint": "step-00000005.safetensors", "images": ["a", "b", "c", "d", "e", "f"]}
            """);

        var found = Assert.Single(RunDiagnosis.Examine(run).Diagnoses);

        Assert.Equal(("diverged", 7), (found.Id, found.Step));
        Assert.Contains("First bad tensor: fc.weight; last good loss 2.5 at step 6, learning rate 3.", found.Evidence);
        Assert.Contains("The batch: a, b, c, d, e and 1 more in diverged.json.", found.Evidence);
        Assert.EndsWith("continues from step-00000005.safetensors.", found.Cure);

        File.WriteAllText(run.DivergedPath, "{}");
        Assert.Contains(
            "diverged.json: cannot be read",
            Assert.Throws<InvalidDataException>(() => RunDiagnosis.Examine(run)).Message);
    }

    [Fact]
    public void ACheckpointWithoutAChecksum_IsAFault()
    {
        File.WriteAllBytes(run.CheckpointPath(3), new byte[100]);

        var diagnosis = RunDiagnosis.Examine(run);

        Assert.NotNull(Assert.Single(diagnosis.Checkpoints).Fault);
        Assert.False(diagnosis.IsSound);
    }

    public void Dispose() => Directory.Delete(folder, recursive: true);

    private void Write(params string[] lines) => File.WriteAllLines(run.MetricsPath, lines);
}
