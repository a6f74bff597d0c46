using MoCoSharp.Data.Datasets;
using MoCoSharp.Encoders;
using MoCoSharp.Models;
using MoCoSharp.Runs;
using MoCoSharp.Training;

namespace MoCoSharp.Tests.Training;

public sealed class PretrainRunTests : SmallRunTests
{
    private static readonly RunConfig Small = Config with { Data = "patterns:24", Epochs = 2, FitToImages = false };

    [Fact]
    public void ARunThatWasStopped_IsResumedToTheSameTensors()
    {
        Run(PretrainRun.Start(Small, At("whole")));
        Run(PretrainRun.Start(Small, At("parts")), steps: 2);
        Run(PretrainRun.Resume(At("parts")));

        Assert.Equal(Tensors(Newest("whole")), Tensors(Newest("parts")));
    }

    [Fact]
    public void ARunThatSetsImagesAside_DoesNotTrainOnThem_AndResumes()
    {
        var aside = Small with { Data = "patterns:48", Validation = "held-out:0.25" };
        string? protocol = null;
        using (var run = PretrainRun.Start(aside, At("whole")))
        {
            run.Evaluated += report => protocol = report.Protocol;
            run.ToEnd();
            Assert.Equal(2 * 4, run.StepsDone); // 38 images are left: 4 batches of 8
        }

        Assert.EndsWith("bank 38, queries 10", protocol); // 1 of each 4 or 5 of a family, rounded
        Run(PretrainRun.Start(aside, At("parts")), steps: 2);
        Run(PretrainRun.Resume(At("parts")));
        Assert.Equal(Tensors(Newest("whole")), Tensors(Newest("parts")));

        File.WriteAllText(
            RunFolder.Open(At("parts")).ConfigPath, (aside with { Validation = "held-out:0.4" }).ToJson());
        Assert.Throws<OtherRunException>(() => PretrainRun.Resume(At("parts")).Dispose());
    }

    [Fact]
    public void ItsEvents_TellStepsAccuraciesAndCheckpoints()
    {
        using var run = PretrainRun.Start(Small, At("told"));
        var (steps, accuracies, saved) = (new List<long>(), new List<double>(), new List<string>());
        run.Progress += report => steps.Add(report.Step);
        run.Evaluated += report => accuracies.Add(report.Accuracy);
        run.Saved += saved.Add;

        Assert.Equal(RunEnd.Finished, run.ToEnd());

        Assert.Equal([1, 2, 4, 6], steps);
        Assert.Equal(3, accuracies.Count); // before training, and after each epoch
        Assert.Equal(Newest("told"), saved[^1]);
        Assert.True(File.Exists(run.Folder.ViewsPath));
    }

    [Fact]
    public void ARecipe_IsFittedToTheImages_ButForWhatWasChosen()
    {
        using var fitted = PretrainRun.Start(Fitting(), At("fitted"));
        using var chosen = PretrainRun.Start(Fitting("batchSize=4"), At("chosen"));

        // at most half of 24 images, in whole batches
        Assert.Equal((8, 8), (fitted.Config.BatchSize, fitted.Config.MoCo!.QueueSize));
        Assert.Equal(4, chosen.Config.BatchSize);

        static RunConfig Fitting(params string[] set) =>
            RunConfig.Load(
                "moco-v2-folder",
                [.. set, "data=patterns:24", "encoder.width=4", "encoder.stem=small", "views.size=32", "bnGroups=2"]);
    }

    [Fact]
    public void ATimeBudget_ChoosesTheEpochs_AndTrainsTheSameTensorsAsThoseEpochs()
    {
        var budget = Small with { Minutes = 2 };
        int epochs;
        using (var run = PretrainRun.Start(budget, At("budget")))
        {
            (epochs, var minutes) = (run.Config.Epochs, run.Config.Minutes);
            Assert.Null(minutes);
            Assert.True(epochs > 0);
            run.ToEnd(steps: 4);
        }

        Run(PretrainRun.Start(Small with { Epochs = epochs }, At("epochs")), steps: 4);
        Assert.Equal(Tensors(Newest("epochs")), Tensors(Newest("budget")));
        Assert.Equal(epochs, RunFolder.Open(At("budget")).ReadConfig().Epochs);
    }

    [Fact]
    public void WrongOptions_AreRefusedAtOnce_BeforeAFolderIsMade()
    {
        var error = Assert.Throws<ConfigurationException>(
            () => PretrainRun.Start(Small with { Data = "no-such-folder", Epochs = 0, LogEvery = 0 }, At("wrong")));

        Assert.Contains(error.Faults, fault => fault.Contains("epochs is 0"));
        Assert.Contains(error.Faults, fault => fault.Contains("logEvery is 0"));
        Assert.Contains(error.Faults, fault => fault.Contains("no-such-folder"));
        Assert.False(Directory.Exists(At("wrong")));
    }

    [Fact]
    public void AnEncoderWithoutAHead_IsRefused_BeforeAFolderIsMade()
    {
        var headless = Small with { Encoder = Small.Encoder with { Head = EncoderHead.None } };

        var error = Assert.Throws<ConfigurationException>(() => PretrainRun.Start(headless, At("headless")));

        Assert.Contains("encoder.head is none", Assert.Single(error.Faults));
        Assert.False(Directory.Exists(At("headless")));
    }

    [Fact]
    public void AStartThatFails_LeavesNoFolder()
    {
        Directory.CreateDirectory(At("empty"));
        File.WriteAllText(Path.Combine(At("empty"), "views.png"), ""); // was there before, and stays
        // where the pairs of views are to be written
        Directory.CreateDirectory(Path.Combine(At("failed"), "views.png"));

        Assert.ThrowsAny<Exception>(() => PretrainRun.Start(Small, At("failed")));

        Assert.False(RunFolder.Exists(At("failed")));
        Run(PretrainRun.Start(Small, At("empty")), steps: 1);
    }

    [Fact]
    public void AFolderInWhichARunTrains_IsHeld_UntilItIsDisposed()
    {
        using (PretrainRun.Start(Small, At("held")))
        {
            Assert.Throws<RunLockedException>(() => PretrainRun.Resume(At("held")));
        }

        Run(PretrainRun.Resume(At("held")), steps: 1);
    }

    [Fact]
    public void ARecipeThatDoesNotExist_NamesTheNearest()
    {
        var error = Assert.Throws<ConfigurationException>(() => RunConfig.Load("moco-v2-foldr"));

        Assert.Contains("moco-v2-folder", error.Message);
    }

    [Fact]
    public void TheEncoder_LoadsFromTheFolder_AndExtractsNamedFeatures()
    {
        Run(PretrainRun.Start(Small, At("used")));

        using var encoder = TrainedEncoder.Load(At("used"));
        using var features = encoder.Extract(new Patterns(5, 40, seed: 9));

        Assert.Equal([5, 32], features.Values.shape);
        Assert.Equal(Small.Encoder, encoder.Run!.Encoder);
    }

    private static void Run(PretrainRun run, long? steps = null)
    {
        using (run)
        {
            run.ToEnd(steps);
        }
    }

    private string At(string name) => Path.Combine(folder, name);

    private string Newest(string name) => RunFolder.Open(At(name)).Checkpoints()[0];
}
