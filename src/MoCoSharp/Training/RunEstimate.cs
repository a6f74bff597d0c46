using System.Diagnostics;
using MoCoSharp.Data.Images;
using MoCoSharp.Data.Views;
using MoCoSharp.Distributed;
using MoCoSharp.Methods;
using MoCoSharp.Models;
using MoCoSharp.Optimization;
using MoCoSharp.Runs;
using TorchSharp;
using static TorchSharp.torch;

namespace MoCoSharp.Training;

/// <summary>Estimates the time and memory of a run's step from a few images.</summary>
internal static class RunEstimate
{
    private const int Images = 16; // of the measured step and of the views, or one image per BN group
    private const double Quick = 0.5; // seconds; what takes less is measured again and longer
    private const int MostImages = 1000; // of quick views

    /// <summary>Measures one step and its views. See <see cref="PretrainPlan.Estimate"/>.</summary>
    public static (double StepSeconds, double ViewSeconds, double Bytes) Measure(
        PretrainPlan plan, PretrainMethod method)
    {
        var (seconds, bytes) = MeasureStep(plan, method);
        return (seconds, MeasureViews(plan) * plan.Config.BatchSize / plan.Config.Loader.Workers, bytes);
    }

    // The learning rate is 0, so no weight changes.
    private static (double Seconds, double Bytes) MeasureStep(PretrainPlan plan, PretrainMethod method)
    {
        var config = plan.Config;
        var target = device(config.Device);
        method.to(target);
        method.Precision = config.Precision.Resolve(target);
        method.train();
        var count = Math.Min(config.BatchSize, config.BnGroups * Math.Max(1, Images / config.BnGroups));
        using var optimizer = MomentumOptimizer.Create(method.LearnedParameters, config.Optimizer);
        var step = new TrainingStep(method, optimizer, SingleProcess.Instance);
        using var process = Process.GetCurrentProcess();
        var before = process.WorkingSet64;
        var seconds = Seconds(step, config, count, target, steps: 1);
        if (seconds < Quick && count < config.BatchSize)
        {
            // Each operation has a fixed cost, which a multiple of a small batch would count again and again.
            count = config.BatchSize;
            seconds = Seconds(step, config, count, target, steps: 7);
        }

        process.Refresh();
        var perImage = Math.Max(0, process.PeakWorkingSet64 - before) / (double)count;
        return (seconds * config.BatchSize / count, before + (perImage * config.BatchSize));
    }

    // The median of some steps, after as many that warm up.
    private static double Seconds(TrainingStep step, RunConfig config, int count, Device target, int steps)
    {
        using var scope = NewDisposeScope();
        var views = rand([count, 3, config.Views.Size, config.Views.Size], device: target);
        var samples = new StepSamples([.. Enumerable.Range(0, count)], new int[count]);
        return Enumerable.Range(0, 2 * steps).Select(Measured).Skip(steps).Order().ElementAt(steps / 2);

        double Measured(int number)
        {
            using var each = NewDisposeScope();
            var watch = Stopwatch.StartNew();
            _ = step.Run(number, views, views, learningRate: 0, samples: samples).Loss.item<float>(); // waits for a GPU
            return watch.Elapsed.TotalSeconds;
        }
    }

    // Seconds that one thread needs for the views of an image.
    private static double MeasureViews(PretrainPlan plan)
    {
        var transform = plan.Config.TrainingViews();
        var pixels = new float[3 * transform.Size * transform.Size];
        var watch = new Stopwatch();
        var images = 0;
        for (
            var i = 0;
            i < Math.Min(Images, plan.Train.Count) || (watch.Elapsed.TotalSeconds < Quick && i < MostImages);
            i++)
        {
            watch.Start();
            try
            {
                var image = plan.Train.Read(i % plan.Train.Count).Image;
                for (var view = 0; view < plan.Config.Method.ViewsPerImage; view++)
                {
                    var random = RandomStreams.View(plan.Config.Seed, 0, i, view);
                    transform.Write(image, ref random, pixels);
                }

                images++;
            }
            catch (BrokenImageException)
            {
                // The run itself counts and names them.
            }

            watch.Stop();
            if (i == 0 || (i == Images && watch.Elapsed.TotalSeconds < Quick))
            {
                watch.Reset(); // the first is warm-up, and the first ones of quick views
                images = 0;
            }
        }

        return watch.Elapsed.TotalSeconds / Math.Max(1, images);
    }
}
