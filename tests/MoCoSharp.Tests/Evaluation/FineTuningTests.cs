using MoCoSharp.Data.Datasets;
using MoCoSharp.Data.Loading;
using MoCoSharp.Data.Views;
using MoCoSharp.Evaluation;
using MoCoSharp.Features;
using MoCoSharp.Models;
using TorchSharp;
using static TorchSharp.torch;

namespace MoCoSharp.Tests.Evaluation;

public sealed class FineTuningTests : IDisposable
{
    private static readonly EncoderOptions Narrow = new()
    {
        Depth = 18,
        Width = 4,
        Stem = EncoderStem.Small,
        Head = EncoderHead.Mlp,
    };
    private static readonly ViewOptions Views = new() { Recipe = ViewRecipe.CifarDemo, Size = 32 };
    private static readonly FineTuningOptions Options = new FineTuningOptions
    {
        BatchSize = 16,
        EncoderLearningRate = 0.01,
        HeadLearningRate = 0.1,
    }.Over(3);
    private static readonly LoaderOptions Loader = new() { Workers = 1 };
    private static readonly Patterns Train = new(33, 40, seed: 3); // 16 + 16 + 1: a batch of one has no statistics
    private static readonly Patterns Judged = new(20, 40, seed: 4);

    private readonly string folder = Directory.CreateTempSubdirectory("mocosharp").FullName;
    private readonly Encoder encoder;

    public FineTuningTests()
    {
        set_num_threads(1);
        using var random = new Generator(7);
        encoder = new Encoder(Narrow, 8, bnGroups: 2, random);
    }

    [Fact]
    public void AStoppedRun_ResumesToTheSameNumbers_AndThePretrainedEncoderDoesNotChange()
    {
        var before = WeightHash.Of(encoder);
        var whole = Tune(encoder).Run(null, default);
        var path = Path.Combine(folder, "state.safetensors");
        using var stop = new CancellationTokenSource();
        Assert.Throws<OperationCanceledException>(() =>
            Tune(
                    encoder,
                    done: epoch =>
                    {
                        if (epoch.Epoch == 1)
                        {
                            stop.Cancel();
                        }
                    })
                .Run(path, stop.Token));

        Assert.Equal(whole.Epochs, Tune(encoder).Run(path, default).Epochs);
        Assert.Equal(before, WeightHash.Of(encoder));
    }

    [Fact]
    public void WithAnEncoderRateOfZero_OnlyTheHeadLearns_AndFromScratchIsAnotherRun()
    {
        var frozen = Options with { EncoderLearningRate = 0, HeadLearningRate = 0.5 };
        var losses = Tune(encoder, frozen).Run(null, default).Epochs.Select(epoch => epoch.Loss).ToList();
        Assert.True(losses[^1] < losses[0], string.Join(", ", losses));
        Assert.NotEqual(losses, Tune(null, frozen).Run(null, default).Epochs.Select(epoch => epoch.Loss));
    }

    [Fact]
    public void AStateFromScratch_IsNotTakenForOneOfAnEncoder()
    {
        var path = Path.Combine(folder, "state.safetensors");
        Tune(null).Run(path, default);
        Assert.Throws<InvalidDataException>(() => Tune(encoder).Run(path, default));
    }

    [Fact]
    public void AShareOfTheLabels_IsTheSameShareOfEveryClass_FixedByTheSeed()
    {
        var data = new Patterns(500, 8, seed: 1);

        var tenth = LabelSubset.Stratified(data, 0.1, seed: 5);

        var all = Enumerable
            .Range(0, 500)
            .GroupBy(data.LabelOf)
            .ToDictionary(group => group.Key, group => group.Count());
        Assert.All(
            tenth.GroupBy(data.LabelOf),
            group => Assert.Equal(Math.Max(1, Math.Round(all[group.Key] * 0.1)), group.Count()));
        Assert.Equal(10, tenth.Select(data.LabelOf).Distinct().Count());
        Assert.Equal(tenth, LabelSubset.Stratified(data, 0.1, seed: 5));
        Assert.NotEqual(tenth, LabelSubset.Stratified(data, 0.1, seed: 6));
        Assert.Equal(10, LabelSubset.Stratified(data, 0.001, seed: 5).Length); // at least one of each
        Assert.Equal(Enumerable.Range(0, 500), LabelSubset.Stratified(data, 1, seed: 5));
    }

    [Fact]
    public void AListOfLabels_IsReadAsSaved_AndUnknownNamesAreReported()
    {
        var data = new Patterns(50, 8, seed: 1);
        var path = Path.Combine(folder, "tenth.txt");
        LabelSubset.Save(data, [3, 7, 40], path);
        Assert.Equal([3, 7, 40], LabelSubset.FromList(data, path));

        File.AppendAllLines(path, ["nowhere.jpg", ""]);
        Assert.Contains(
            "nowhere.jpg",
            Assert.Throws<InvalidDataException>(() => LabelSubset.FromList(data, path)).Message);
    }

    public void Dispose()
    {
        encoder.Dispose();
        Directory.Delete(folder, recursive: true);
    }

    private static FineTuning Tune(
        Encoder? pretrained,
        FineTuningOptions? options = null,
        Action<EpochScores>? done = null) =>
        new(
            Narrow, pretrained, Train, LabelSubset.Stratified(Train, 1, 0), Judged, Views, options ?? Options, Loader,
            CPU)
        {
            EpochDone = done,
        };
}
