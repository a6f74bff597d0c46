using MoCoSharp.Data.Datasets;
using MoCoSharp.Data.Loading;
using MoCoSharp.Data.Views;
using MoCoSharp.Distributed;
using MoCoSharp.Evaluation;
using MoCoSharp.Features;
using MoCoSharp.Methods;
using MoCoSharp.Models;
using MoCoSharp.Optimization;
using MoCoSharp.Training;
using TorchSharp;
using static TorchSharp.torch;

namespace MoCoSharp.MpiChecks;

/// <summary>Evaluations shared by processes find what one process finds.</summary>
public static partial class Checks
{
    private static readonly ViewOptions SmallViews = new() { Size = 16 };
    private static readonly LoaderOptions OneWorker = new() { Workers = 1 };

    // To the bit, broken images left out, in the order of the set.
    private static void SharedFeatures(IProcessGroup group)
    {
        using var encoder = SmallEncoder();
        using var alone = Extract(encoder, new Holed(Images(70)), null);
        using var together = Extract(encoder, new Holed(Images(70)), group);
        Demand(alone.Indices.SequenceEqual(together.Indices), $"images {string.Join(' ', together.Indices)}");
        Demand(alone.Labels.SequenceEqual(together.Labels), "other labels");
        Demand(
            alone.Indices.Length == 60 && Difference(together.Values, alone.Values) < 1e-6,
            $"features differ by {Difference(together.Values, alone.Values)}");

        var stopped = false;
        try
        {
            Extract(encoder, Images(70), group, new CancellationToken(canceled: group.Rank == group.Size - 1))
                .Dispose();
        }
        catch (OperationCanceledException)
        {
            stopped = true;
        }

        Demand(stopped, "one rank was to stop, and this one went on");
    }

    private static void Neighbors(IProcessGroup group)
    {
        using var encoder = SmallEncoder();
        using var bank = Extract(encoder, Images(70), null);
        using var queries = Extract(encoder, Images(33), null);
        var alone = KnnClassifier.Predict(bank.Values, bank.Labels, queries.Values, 10, 5, 0.1);
        Demand(
            alone.SequenceEqual(KnnClassifier.Predict(group, bank.Values, bank.Labels, queries.Values, 10, 5, 0.1)),
            "other classes");
    }

    private static void Linear(IProcessGroup group)
    {
        using var encoder = SmallEncoder();
        var (alone, together) = (Train(null), Train(group));
        Demand(
            alone.SequenceEqual(together),
            $"losses {string.Join(' ', together)} instead of {string.Join(' ', alone)}");

        List<double> Train(IProcessGroup? ranks)
        {
            var options = new LinearOptions { BatchSize = 8, LearningRate = 0.1 }.Over(2);
            var probe = new LinearProbe(
                encoder, new Holed(Images(30)), Images(20), SmallViews, options, OneWorker, CPU, ranks);
            return
            [
                .. probe.Run(null, default).Epochs.SelectMany(epoch => new[] { Math.Round(epoch.Loss, 4), epoch.Top1 }),
            ];
        }
    }

    // A queue that is another one on one rank.
    private static void RanksDiffer(IProcessGroup group)
    {
        using var scope = NewDisposeScope();
        var options = new MoCoOptions { Dimension = 8, QueueSize = 40 };
        using var method = MoCo.Create(
            new EncoderOptions
            {
                Depth = 18,
                Width = 4,
                Stem = EncoderStem.Cifar,
            },
            options, group.Size, seed: 7, group);
        RankComparison.Check(method, group, 0);
        using (no_grad())
        {
            method.Queue.Keys[3, 2] = tensor(group.Rank == 1 ? 0.5f : 0.25f);
        }

        var told = "";
        try
        {
            RankComparison.Check(method, group, 100);
        }
        catch (RanksDifferException error)
        {
            told = error.Message;
        }

        Demand(told.Contains("process 1 has a different queue.keys", StringComparison.Ordinal), $"told: {told}");
    }

    // The shares of the ranks are the batch of one process: same images, same views, none twice.
    private static void Views(IProcessGroup group)
    {
        using var scope = NewDisposeScope();
        using var alone = ViewLoader.Open(Images(40), ViewRecipes.Train(SmallViews), OneWorker, seed: 3, batchSize: 8);
        using var share = ViewLoader.Open(
            Images(40), ViewRecipes.Train(SmallViews), OneWorker, seed: 3, batchSize: 8, group.Rank, group.Size);
        List<int> seen = [];
        foreach (var (whole, mine) in alone.Epoch(1).Zip(share.Epoch(1)))
        {
            var indices = BatchOrder
                .Gather(group, tensor(mine.Indices.Select(index => (long)index).ToArray()))
                .data<long>()
                .ToArray();
            var views = BatchOrder.Gather(
                group,
                tensor(mine.Key.AsSpan(0, mine.Count * 3 * 16 * 16).ToArray(), [mine.Count, 3 * 16 * 16]));
            Demand(indices.SequenceEqual(whole.Indices.Select(index => (long)index)), "other images");
            Demand(
                views
                    .flatten()
                    .data<float>()
                    .ToArray()
                    .AsSpan()
                    .SequenceEqual(whole.Key.AsSpan(0, whole.Count * 3 * 16 * 16)),
                "other views");
            seen.AddRange(whole.Indices);
            whole.Dispose();
            mine.Dispose();
        }

        Demand(seen.Order().SequenceEqual(Enumerable.Range(0, 40)), "an epoch is not each image once");
    }

    private static Patterns Images(int count) => new(count, 16, seed: 5);

    private static Encoder SmallEncoder()
    {
        using var random = new Generator(3);
        return new Encoder(
            new EncoderOptions
            {
                Depth = 18,
                Width = 4,
                Stem = EncoderStem.Cifar,
            },
            8,
            bnGroups: 1,
            random);
    }

    private static FeatureSet Extract(
        Encoder encoder, IImageDataset data, IProcessGroup? group,
        CancellationToken stop = default) =>
        FeatureExtractor.Extract(
            encoder, data, ViewRecipes.Evaluation(SmallViews), FeatureLayer.Pooled, OneWorker, CPU, group: group,
            cancellation: stop);

    // Images 20 to 29 cannot be read.
    private sealed class Holed(IImageDataset whole) : IImageDataset
    {
        public int Count => whole.Count;

        public string Description => whole.Description;

        public IReadOnlyList<string> ClassNames => whole.ClassNames;

        public string NameOf(int index) => whole.NameOf(index);

        public int LabelOf(int index) => whole.LabelOf(index);

        public LabeledImage Read(int index) =>
            index / 10 == 2
                ? throw new Data.Images.BrokenImageException($"image {index} is broken")
                : whole.Read(index);
    }
}
