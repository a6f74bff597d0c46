using MoCoSharp.Data.Datasets;
using MoCoSharp.Data.Images;
using MoCoSharp.Data.Loading;
using MoCoSharp.Data.Views;
using MoCoSharp.Distributed;
using MoCoSharp.Features;
using MoCoSharp.Runs;
using MoCoSharp.Tests.Training;
using MoCoSharp.Training;
using static TorchSharp.torch;

namespace MoCoSharp.Tests.Runs;

/// <summary>Images that lose their turns are counted, and the count outlives a stop.</summary>
public sealed class LeftOutTests : SmallRunTests
{
    private static readonly RunConfig Knnless = Config with { Knn = new KnnOptions { EveryEpochs = 0 }, LogEvery = 4 };

    [Fact]
    public void ARun_CountsTheTurnsThatBrokenAndUnreadableImagesLost()
    {
        var data = new Holes { Broken = [3], Gone = [5, 7] };

        var training = Train("run", data, null, resume: false);

        // 9 steps of 8 over 24 images: every image has a turn in each of three epochs.
        Assert.Equal((3, 6), (training.LeftOutTotal.BrokenTurns, training.LeftOutTotal.UnreadableTurns));
        Assert.Equal(["image 3"], training.LeftOutTotal.Broken);
        Assert.Equal(["image 5", "image 7"], training.LeftOutTotal.Unreadable);
        var told = LeftOut.Sum(MetricsLog.Read(Path.Combine(folder, "run", "metrics.jsonl")))!;
        Assert.Equal((3, 6, 9), (told.BrokenTurns, told.UnreadableTurns, told.Step));
        Assert.Equal(
            "1 image was broken and left out 3 times (image 3); 2 images were left out 6 times because they could " +
            "not be read then (image 5, image 7)",
            told.Describe());
    }

    [Fact]
    public void ARunThatWasStoppedBetweenTwoReports_CountsTheSame()
    {
        var data = new Holes { Broken = [3], Gone = [5, 7] };
        Train("whole", data, null, resume: false);
        Train("parts", data, 3, resume: false);
        Train("parts", data, 6, resume: true);
        Train("parts", data, null, resume: true);

        Assert.Equal(Lines("whole"), Lines("parts"));
        Assert.Equal(File.ReadAllBytes(Newest("whole")), File.ReadAllBytes(Newest("parts")));
    }

    [Fact]
    public void AnImageThatIsBackAtItsNextTurn_ChangesNothingAfterwards()
    {
        var data = new Holes();
        var first = ViewLoader.Open(data, ViewRecipes.Train(Config.Views), Config.Loader, Config.Seed, 8);
        var expected = first.Epoch(1).Select(Pixels).ToList();
        using var views = ViewLoader.Open(data, ViewRecipes.Train(Config.Views), Config.Loader, Config.Seed, 8);
        data.Gone = [1, 2, 3, 4, 5];
        foreach (var batch in views.Epoch(0))
        {
            batch.Dispose();
        }

        data.Gone = [];
        Assert.Equal(expected, views.Epoch(1).Select(Pixels));
    }

    [Fact]
    public void TheMonitor_TellsHowManyImagesTookNoPart()
    {
        var data = new Holes { Gone = [5, 7] };
        var knn = new KnnMonitor(
            data, new Patterns(10, 40, seed: 4), ViewRecipes.Evaluation(Config.Views), Config.Knn, Config.Loader, CPU);
        using var method = New(Config);
        knn.Measure(method.Encoder, null, SingleProcess.Instance, default);
        Assert.Equal(2, knn.LeftOut);
        Assert.Contains("Input/output error", knn.FirstLeftOut!.Reason);
    }

    [Fact]
    public void FeaturesThatLackUnreadableImages_AreNotKept()
    {
        var data = new Holes { Gone = [5] };
        var view = ViewRecipes.Evaluation(Config.Views);
        using var method = New(Config);
        var cache = new FeatureCache(Path.Combine(folder, "features"));
        var told = new List<string>();
        using (var lacking = Get().Features)
        {
            Assert.Equal(23, lacking.Labels.Length);
        }

        Assert.Contains("1 of the images could not be read this time", Assert.Single(told));
        data.Gone = [];
        var (whole, foundIn) = Get();
        Assert.Equal(24, whole.Labels.Length);
        Assert.Null(foundIn);
        whole.Dispose();

        (FeatureSet Features, string? FoundIn) Get() => cache.Get(
            method.Encoder, data, view, FeatureLayer.Pooled,
            () =>
                FeatureExtractor.Extract(
                    method.Encoder, data, view, FeatureLayer.Pooled, Config.Loader, CPU, normalize: false),
            notKept: told.Add);
    }

    private Pretraining Train(string name, Holes data, long? steps, bool resume)
    {
        set_num_threads(1);
        var path = Path.Combine(folder, name);
        var run = resume ? RunFolder.Open(path) : RunFolder.Create(path, Knnless);
        using var method = New(Knnless);
        var training = new Pretraining(method, Knnless, SingleProcess.Instance, TimeProvider.System, new Recorder());
        if (resume)
        {
            training.Resume(run, new ResumeCheck(DataIdentity.From(data)));
        }

        using var views = ViewLoader.Open(
            data, ViewRecipes.Train(Knnless.Views), Knnless.Loader, Knnless.Seed, Knnless.BatchSize);
        training.Run(views, run, knn: null, steps, default);
        training.Dispose();
        return training;
    }

    private List<string> Lines(string name) =>
        [
            .. MetricsLog
                .Read(Path.Combine(folder, name, "metrics.jsonl"))
                .Where(line => line.ContainsKey("loss"))
        .Select(line => $"{line["step"]} {line["loss"]} {line["leftOut"]?.ToJsonString()}")];

    private string Newest(string name) => RunFolder.Open(Path.Combine(folder, name)).Checkpoints()[0];

    private static float[] Pixels(ViewBatch batch)
    {
        using (batch)
        {
            return [.. batch.Query.Take(batch.Count * batch.Size * batch.Size * 3)];
        }
    }

    /// <summary>Patterns, of which some are broken, and some cannot be read.</summary>
    private sealed class Holes : IImageDataset
    {
        private readonly Patterns patterns = new(24, 40, seed: 3);

        public int[] Broken { get; init; } = [];

        public int[] Gone { get; set; } = [];

        public int Count => patterns.Count;

        public IReadOnlyList<string> ClassNames => patterns.ClassNames;

        public string Description => "patterns with holes";

        public LabeledImage Read(int index) =>
            Gone.Contains(index)
                ? throw new BrokenImageException($"{NameOf(index)}: Input/output error.") { MayPass = true }
            : Broken.Contains(index) ? throw new BrokenImageException($"{NameOf(index)}: is no image.")
            : patterns.Read(index);

        public int LabelOf(int index) => patterns.LabelOf(index);

        public string NameOf(int index) => $"image {index}";
    }
}
