using System.Text.Json.Nodes;
using MoCoSharp.Data.Datasets;
using MoCoSharp.Data.Loading;
using MoCoSharp.Encoders;
using MoCoSharp.Evaluation;
using MoCoSharp.Features;
using MoCoSharp.Models;
using MoCoSharp.Tests.Export;
using static TorchSharp.torch;

namespace MoCoSharp.Tests.Evaluation;

/// <summary>The reports of evaluations, and the files that they write.</summary>
public sealed class EvaluatorTests : IDisposable
{
    private static readonly Patterns Train = new(40, 40, seed: 3);
    private static readonly Patterns Judged = new(30, 40, seed: 4);

    private readonly string folder = Directory.CreateTempSubdirectory("moco").FullName;
    private readonly TrainedEncoder trained = Trained.New(
        new EncoderOptions { Depth = 18, Width = 4, Stem = EncoderStem.Small, Head = EncoderHead.Mlp });

    public EvaluatorTests() => set_num_threads(1);

    [Fact]
    public void WithoutAFolder_NothingIsWritten()
    {
        var report = Evaluator().Knn(new KnnOptions { Neighbors = 200 });

        Assert.Null(report.Path);
        Assert.Null(report.ClassifierPath);
        Assert.Empty(Directory.GetFileSystemEntries(folder));
        Assert.Contains("k 40,", report.Protocol); // no more than the bank has
        Assert.Equal(30, report.Scores.Count);
        Assert.Throws<ArgumentException>(() =>
            Evaluator().Knn(new KnnOptions { Neighbors = 200 }, fitNeighbors: false));
    }

    [Fact]
    public void AFileThatCannotBeWritten_IsNamed_AndTheScoresAreKept()
    {
        foreach (var name in new[] { "evaluations", "classifiers" })
        {
            File.WriteAllText(Path.Combine(folder, name), "a file where a folder is needed");
        }

        var options = new LinearOptions { BatchSize = 16, LearningRate = 0.01 }.Over(1);
        var report = Evaluator(folder).LinearOnCachedFeatures(options);

        Assert.Equal(30, report.Scores.Count);
        Assert.Equal((null, null, null), (report.Path, report.PicturePath, report.ClassifierPath));
        Assert.Equal(3, report.Unwritten.Count);
        Assert.All(report.Unwritten, fault => Assert.Contains(" could not be written: ", fault));
    }

    [Fact]
    public void Linear_ReportsEveryEpoch_AndResumesToTheSameReport()
    {
        var options = new LinearOptions { BatchSize = 16, LearningRate = 0.01 }.Over(3);
        List<EpochScores> told = [];

        var report = Evaluator(folder, told.Add).Linear(options);

        Assert.Equal(told, report.Epochs);
        Assert.Equal(told.Max(epoch => epoch.Top1), report.Best!.Value.Top1);
        Assert.Equal(report.Scores.Top1, report.Epochs[^1].Top1);
        Assert.Null(report.Warning);
        var json = JsonNode.Parse(File.ReadAllText(report.Path!))!;
        Assert.Equal(
            ("linear", 3, "a test", 7),
            ((string)json["evaluation"]!, (int)json["lastEpoch"]!, (string)json["source"]!, (int)json["step"]!));
        Assert.True(File.Exists(report.PicturePath));
        using var classifier = TrainedEncoder.Load(report.ClassifierPath!);
        Assert.Equal(Train.ClassNames, classifier.Classes);
        Assert.Equal(report.ToJson(), Evaluator(folder).Linear(options).ToJson()); // from the state: no epoch is left
    }

    [Fact]
    public void FineTuning_OnAShareOfTheLabels_ListsTheImages()
    {
        var options = new FineTuningOptions { BatchSize = 8, LabelShare = 0.5 }.Over(1);

        var report = Evaluator(folder).FineTune(options);

        var list = Assert.Single(Directory.GetFiles(Path.Combine(folder, "evaluations"), "*.labels.txt"));
        Assert.Contains("on 20 of 40 images", report.Protocol);
        Assert.Equal(20, File.ReadAllLines(list).Length);
        var again = Evaluator(null).FineTune(options with { LabelShare = 1, LabelList = list });
        Assert.Equal(report.Epochs, again.Epochs); // the same images by their names
        Assert.Equal("scratch", Evaluator(null).FineTune(options with { FromScratch = true }).Evaluation);
    }

    [Fact]
    public void ADivergingTraining_IsReportedOnce_AndWarnsInTheReport()
    {
        List<string> told = [];
        var evaluator = new Evaluator(trained, Train, Judged)
        {
            Loader = new LoaderOptions { Workers = 1 },
            Diverging = told.Add,
        };

        var report = evaluator.Linear(new LinearOptions { BatchSize = 16, LearningRate = 1e5 }.Over(2));

        Assert.Contains("a classifier at chance has 2.30", Assert.Single(told));
        Assert.NotNull(report.Warning);
        Assert.Equal(report.Warning, (string?)JsonNode.Parse(report.ToJson())!["warning"]);
    }

    public void Dispose()
    {
        trained.Dispose();
        Directory.Delete(folder, recursive: true);
    }

    private Evaluator Evaluator(string? run = null, Action<EpochScores>? done = null) => new(trained, Train, Judged)
    {
        Loader = new LoaderOptions { Workers = 1 },
        RunFolder = run,
        EpochDone = done,
    };
}
