using System.Diagnostics;
using System.Globalization;
using MoCoSharp.Data.Datasets;
using MoCoSharp.Data.Loading;
using MoCoSharp.Data.Views;
using MoCoSharp.Diagnostics;
using MoCoSharp.Distributed;
using MoCoSharp.Features;
using MoCoSharp.Methods;
using MoCoSharp.Models;
using MoCoSharp.Optimization;
using TorchSharp;
using static TorchSharp.torch;

namespace MoCoSharp.Training;

/// <summary>Measures the parts of a run on real batches, with the loader working as in training.</summary>
/// <remarks>The learning rate is 0, and the method is not used further: the run itself does not change.</remarks>
internal static class RunProbe
{
    private const double Share = 0.03; // of the budget, for the steps; half as much for the evaluation
    private const double Shortest = 3; // seconds
    private const double Longest = 20;
    private const int FewImages = 64; // of a first, short evaluation
    private const int MostImages = 4096;
    private const double ProductsPerSecond = 2e10; // of float32 matrix products, for each thread
    private const double BytesPerSecond = 2e8; // of a checkpoint, checksums included

    /// <summary>Measures the parts of a run.</summary>
    /// <param name="plan">The plan of this rank.</param>
    /// <param name="group">The ranks that will train together. Every rank calls this.</param>
    /// <param name="minutes">The budget. Measuring takes a few percent of it.</param>
    /// <param name="elapsed">Seconds since the start of the program.</param>
    public static RunCost Measure(PretrainPlan plan, IProcessGroup group, double minutes, double elapsed)
    {
        var watch = Stopwatch.StartNew();
        var config = plan.Config;
        set_num_threads(config.Threads);
        var target = TorchRuntime.OpenDevice(config.Device);
        using var scope = NewDisposeScope();
        using var method = config.CreateMethod(plan.Train.Count, group);
        method.to(target);
        method.Precision = config.Precision.Resolve(target);
        method.train();
        var created = watch.Elapsed.TotalSeconds;
        var seconds = Math.Clamp(Share * 60 * minutes, Shortest, Longest);
        var clock = MeasureSteps(plan, method, group, seconds);
        var evaluation = config.Knn.EveryEpochs > 0 ? MeasureEvaluation(plan, method, group, seconds / 2) : 0;
        var save = Bytes(method) / BytesPerSecond;
        // The run creates its method and fills its loader once more.
        var start = elapsed + watch.Elapsed.TotalSeconds + created + Math.Max(0, clock.First - clock.Step);
        return new(start, clock.Step, evaluation, save, plan.IsMonitored);
    }

    private static StepClock MeasureSteps(
        PretrainPlan plan, PretrainMethod method, IProcessGroup group, double seconds)
    {
        var config = plan.Config;
        var target = device(config.Device);
        using var optimizer = MomentumOptimizer.Create(method.LearnedParameters, config.Optimizer);
        var step = new TrainingStep(method, optimizer, group);
        var watch = Stopwatch.StartNew();
        using var views = ViewLoader.Open(
            plan.Train, config.TrainingViews(), config.Loader, config.Seed, config.BatchSize, group.Rank, group.Size,
            config.Method.ViewsPerImage);
        var clock = new StepClock(views.BatchesPerEpoch, config.Loader.PrefetchBatches + 4, seconds);
        var number = 0L;
        foreach (var batch in Enumerable.Range(0, int.MaxValue).SelectMany(epoch => views.Epoch(epoch)))
        {
            using (batch)
            {
                Run(step, batch, target, number++);
            }

            clock.Stepped(watch.Elapsed.TotalSeconds);
            if (GroupRows.AnyRank(group, clock.IsDone))
            {
                break;
            }
        }

        return clock;
    }

    private static void Run(TrainingStep step, ViewBatch batch, Device target, long number)
    {
        using var scope = NewDisposeScope();
        var query = HostMemory.Images(batch.Query, batch.Count, batch.Size, target);
        var key = batch.Key.Length == 0 ? query : HostMemory.Images(batch.Key, batch.Count, batch.Size, target);
        var samples = new StepSamples(batch.Indices, batch.Labels);
        _ = step.Run(number, query, key, learningRate: 0, samples: samples).Loss.item<float>(); // waits for a GPU
    }

    // Features of a part of the images. With labels also the products of kNN, by their number.
    private static double MeasureEvaluation(
        PretrainPlan plan, PretrainMethod method, IProcessGroup group, double seconds)
    {
        var config = plan.Config;
        SecondsOf(FewImages); // compiles kernels
        var image = SecondsOf(FewImages);
        if (!GroupRows.AnyRank(group, image * FewImages > seconds))
        {
            image = SecondsOf(AgreeOn(group, (int)Math.Clamp(seconds / image, FewImages, MostImages)));
        }

        if (!plan.IsMonitored)
        {
            return LabelFreeMonitor.Passes(plan.Train.Count) * image;
        }

        var (bank, queries) = ((double)plan.Train.Count, (double)plan.Validation!.Count);
        var features = config.Knn.Layer == FeatureLayer.Head ? config.Method.Dimension : method.Encoder.FeatureSize;
        var products = 2 * bank * queries * features / (ProductsPerSecond * config.Threads * group.Size);
        return ((bank + queries) * image) + products;

        // Of one image.
        double SecondsOf(int images)
        {
            var part = ImageSubset.Spread(plan.Train, images);
            var watch = Stopwatch.StartNew();
            FeatureExtractor.Extract(
                method.Encoder, part, ViewRecipes.Evaluation(config.Views), config.Knn.Layer, config.Loader,
                device(config.Device), group: group).Dispose();
            return watch.Elapsed.TotalSeconds / part.Count;
        }
    }

    private static int AgreeOn(IProcessGroup group, int number) =>
        group.Size == 1
            ? number
            : int.Parse(group.Broadcast($"{number}"), CultureInfo.InvariantCulture);

    // Weights and buffers, and the momentum of what is learned.
    private static double Bytes(PretrainMethod method) =>
        method.state_dict().Values.Sum(tensor => tensor.numel() * (double)tensor.element_size())
        + method.LearnedParameters.Sum(item => item.Parameter.numel() * 4.0);
}
