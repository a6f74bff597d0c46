using System.Diagnostics;
using MoCoSharp.Data.Images;
using MoCoSharp.Data.Views;
using MoCoSharp.Distributed;
using MoCoSharp.Methods;
using MoCoSharp.Models;
using MoCoSharp.Optimization;
using TorchSharp;
using static TorchSharp.torch;

namespace MoCoSharp.Training;

/// <summary>Estimates the time and memory of a run's step from a few images.</summary>
internal static class RunEstimate
{
    private const int Images = 16; // batch of the measured step, or one image per BN group; scaled up

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
        var scale = config.BatchSize / (double)count;
        using var scope = NewDisposeScope();
        using var optimizer = MomentumOptimizer.Create(method.LearnedParameters, config.Optimizer);
        var step = new TrainingStep(method, optimizer, SingleProcess.Instance);
        var views = rand([count, 3, config.Views.Size, config.Views.Size], device: target);
        using var process = Process.GetCurrentProcess();
        var before = process.WorkingSet64;
        var samples = new StepSamples([.. Enumerable.Range(0, count)], new int[count]);
        step.Run(0, views, views, learningRate: 0, samples: samples); // warm-up
        var watch = Stopwatch.StartNew();
        step.Run(1, views, views, learningRate: 0, samples: samples);
        var seconds = watch.Elapsed.TotalSeconds;
        process.Refresh();
        var perImage = Math.Max(0, process.PeakWorkingSet64 - before) / (double)count;
        return (seconds * scale, before + (perImage * config.BatchSize));
    }

    // Seconds that one thread needs for the views of an image.
    private static double MeasureViews(PretrainPlan plan)
    {
        var transform = plan.Config.TrainingViews();
        var pixels = new float[3 * transform.Size * transform.Size];
        var watch = new Stopwatch();
        var images = 0;
        for (var i = 0; i < Math.Min(Images, plan.Train.Count); i++)
        {
            watch.Start();
            try
            {
                var image = plan.Train.Read(i).Image;
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
            if (i == 0)
            {
                watch.Reset(); // the first one is warm-up
                images = 0;
            }
        }

        return watch.Elapsed.TotalSeconds / Math.Max(1, images);
    }
}
