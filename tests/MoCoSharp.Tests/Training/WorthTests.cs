using MoCoSharp.Data.Datasets;
using MoCoSharp.Data.Views;
using MoCoSharp.Diagnostics;
using MoCoSharp.Distributed;
using MoCoSharp.Runs;
using MoCoSharp.Training;
using static TorchSharp.torch;

namespace MoCoSharp.Tests.Training;

/// <summary>What a run concludes when it ends.</summary>
public sealed class WorthTests : SmallRunTests
{
    private static readonly RunConfig Small = Config with { Data = "patterns:24", Epochs = 2, FitToImages = false };

    [Fact]
    public void ARunWithLabels_EndsWithAComparison_OnTheSameQueries()
    {
        var conclusion = Conclusion(PretrainRun.Start(Small, At("whole")));

        Assert.Contains(" kNN ", conclusion[0]);
        Assert.Contains("raw pixels", conclusion[0]);
        Assert.Contains("a color histogram", conclusion[0]);
        Assert.Contains("the untrained encoder", conclusion[0]);
        var worth = RunWorth.Read(RunFolder.Open(At("whole")))!;
        Assert.Equal(conclusion, worth.Sentences);
        Assert.Equal(
            ["untrained encoder", "raw pixels", "color histogram"], worth.Baselines.Select(baseline => baseline.Name));
        Assert.Equal(6, worth.Step);
        Assert.Equal(LastKnn("whole"), worth.Knn!.Value.Accuracy);
        Assert.Equal(FirstKnn("whole"), worth.Baselines[0].Accuracy);
        Assert.True(worth.LabelFree is { PooledRank: > 1, HeadRank: > 1, Lidar: null, Images: 24 });
    }

    [Fact]
    public void AResumedRun_EndsWithTheSameSentences()
    {
        var whole = Conclusion(PretrainRun.Start(Small, At("whole")));
        Conclusion(PretrainRun.Start(Small, At("parts")), steps: 2);
        Conclusion(PretrainRun.Resume(At("parts")), steps: 4);

        Assert.Equal(whole, Conclusion(PretrainRun.Resume(At("parts"))));
        Assert.Equal(Metrics("whole"), Metrics("parts"));
        Assert.Equal(
            File.ReadAllText(Path.Combine(At("whole"), "baselines.json")),
            File.ReadAllText(Path.Combine(At("parts"), "baselines.json")));
    }

    [Fact]
    public void ARunThatHasEnded_RepeatsItsConclusion_WhenItIsResumed()
    {
        var first = Conclusion(PretrainRun.Start(Small, At("ended")));

        Assert.Equal(first, Conclusion(PretrainRun.Resume(At("ended"))));
    }

    [Fact]
    public void ARunBeforeItsEnd_ConcludesNothing() =>
        Assert.Empty(Conclusion(PretrainRun.Start(Small, At("part")), steps: 5));

    [Fact]
    public void ARunFromGivenWeights_IsComparedWithThem()
    {
        Conclusion(PretrainRun.Start(Small with { Epochs = 1 }, At("first")));
        var second = Small with { Epochs = 1, Seed = 2, InitialWeights = At("first") };

        Assert.Contains("the given weights", Conclusion(PretrainRun.Start(second, At("second")))[0]);
    }

    [Fact]
    public void TwoRanks_ConcludeAsOne()
    {
        Conclusion(PretrainRun.Start(Small with { Epochs = 1 }, At("alone")));
        var two = new IReadOnlyList<string>[2];
        ThreadGroup.Run(
            2,
            group => two[group.Rank] = Conclusion(PretrainRun.Start(Small with { Epochs = 1 }, At("two"), group)));

        // trained, the encoders may differ by rounding
        Assert.Equal(Baselines("alone"), Baselines("two"));
        Assert.Contains("raw pixels", two[0][0]);
        Assert.Empty(two[1]); // the first rank speaks
    }

    [Fact]
    public void ARunWithoutLabels_IsMeasuredByRanks_AndWarnsOfTheirEvidence()
    {
        var told = TrainWithoutLabels("unlabeled", steps: null);

        Assert.StartsWith("without labels: ", told[0]);
        Assert.Contains(" before, effective rank ", told[0]);
        Assert.Contains("LiDAR", told[0]);
        Assert.Contains("label 100 images", told[1]);
        var measured = MetricsLog
            .Read(Path.Combine(At("unlabeled"), "metrics.jsonl"))
            .Where(line => line.ContainsKey("labelFree"))
            .Select(line => (int)line["epoch"]!);
        Assert.Equal([0, 1, 2, 3], measured);
        Assert.False(File.Exists(Path.Combine(At("unlabeled"), "baselines.json")));
    }

    [Fact]
    public void AStopDuringTheLastLabelFreeMeasurement_IsAStop_AndAResumeMakesUpForIt()
    {
        set_num_threads(1);
        var run = RunFolder.Create(At("stopped"), Config);
        using var stop = new CancellationTokenSource();
        var told = new Told { AtTheLastStep = stop.Cancel };
        var data = new Patterns(24, 40, seed: 3);
        var monitor = new LabelFreeMonitor(
            data, ViewRecipes.Evaluation(Config.Views), Config.TrainingViews(), Config.Loader, CPU);

        Assert.Equal(RunEnd.Stopped, Train(resumes: false, told, stop.Token));
        Assert.Empty(told.Sentences);
        Assert.Equal(RunEnd.Finished, Train(resumes: true, told, default));
        Assert.Contains("without labels", told.Sentences[0]);

        RunEnd Train(bool resumes, Told observer, CancellationToken token)
        {
            using var method = New(Config);
            using var training = new Pretraining(
                method, Config, SingleProcess.Instance, TimeProvider.System, observer);
            using var views = Views(Config);
            if (resumes)
            {
                training.Resume(run);
            }

            return training.Run(views, run, null, null, token, monitor);
        }
    }

    [Fact]
    public void ScoresOfOtherTestImages_AreForgottenByAResume()
    {
        using (var begun = PretrainRun.Start(Small, At("other")))
        {
            begun.ToEnd(steps: 2);
        }

        var run = RunFolder.Open(At("other"));
        var config = run.ReadConfig();
        Resume(config);
        Assert.True(File.Exists(run.BaselinesPath));

        Resume(config with { Validation = "patterns:10" });
        Assert.False(File.Exists(run.BaselinesPath));

        void Resume(RunConfig changed)
        {
            using var method = changed.CreateMethod(24, SingleProcess.Instance);
            using var training = new Pretraining(
                method, changed, SingleProcess.Instance, TimeProvider.System, new Told());
            var plan = PretrainPlan.Open(changed, null, null, []);
            training.Resume(run, plan!.Train);
        }
    }

    [Fact]
    public void ALabelFreeMeasurement_ChangesNothingOfTheRun()
    {
        TrainWithoutLabels("measured", steps: null);
        TrainWithoutLabels("not", steps: null, isMeasured: false);

        Assert.Equal(
            Tensors(RunFolder.Open(At("not")).Checkpoints()[0]),
            Tensors(RunFolder.Open(At("measured")).Checkpoints()[0]));
    }

    private List<string> TrainWithoutLabels(string name, long? steps, bool isMeasured = true)
    {
        set_num_threads(1);
        using var method = New(Config);
        var told = new Told();
        using var training = new Pretraining(method, Config, SingleProcess.Instance, TimeProvider.System, told);
        using var views = Views(Config);
        var data = new Patterns(24, 40, seed: 3);
        var monitor = new LabelFreeMonitor(
            data, ViewRecipes.Evaluation(Config.Views), Config.TrainingViews(), Config.Loader, CPU);
        training.Run(views, RunFolder.Create(At(name), Config), null, steps, default, isMeasured ? monitor : null);
        return told.Sentences;
    }

    private static List<string> Conclusion(PretrainRun run, long? steps = null)
    {
        using (run)
        {
            List<string> told = [];
            run.Concluded += told.AddRange;
            run.ToEnd(steps);
            return told;
        }
    }

    private IEnumerable<(string, double)> Baselines(string name) =>
        RunWorth.Read(RunFolder.Open(At(name)))!.Baselines.Select(baseline => (baseline.Name, baseline.Accuracy));

    private double LastKnn(string name) => Knn(name)[^1];

    private double FirstKnn(string name) => Knn(name)[0];

    private List<double> Knn(string name) =>
        [
            .. MetricsLog
                .Read(Path.Combine(At(name), "metrics.jsonl"))
                .Where(line => line.ContainsKey("knn"))
                .Select(line => (double)line["knn"]!),
        ];

    private string At(string name) => Path.Combine(folder, name);

    private sealed class Told : IPretrainObserver
    {
        public List<string> Sentences { get; } = [];

        public Action? AtTheLastStep { get; set; }

        public void Stepped(long step, long total)
        {
            if (step == total)
            {
                AtTheLastStep?.Invoke();
            }
        }

        public void Concluded(IReadOnlyList<string> conclusion) => Sentences.AddRange(conclusion);
    }
}
