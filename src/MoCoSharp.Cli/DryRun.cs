using System.Diagnostics;
using System.Globalization;
using MoCoSharp.Cli.Progress;
using MoCoSharp.Data.Views;
using MoCoSharp.Distributed;
using MoCoSharp.Methods;
using MoCoSharp.Models;
using MoCoSharp.Optimization;
using MoCoSharp.Training;
using TorchSharp;
using static TorchSharp.torch;

namespace MoCoSharp.Cli;

/// <summary>
/// moco pretrain --dry-run: shows the plan, shapes, and estimates of time and memory, measured on a few small steps.
/// </summary>
internal static class DryRun
{
    private const int Images = 16; // batch of the measured step, or one image per BN group; scaled up

    public static void Print(PretrainPlan plan)
    {
        var config = plan.Config;
        Console.WriteLine(plan.Describe());
        if (config.InitialWeights is { } weights)
        {
            Console.WriteLine($"starts from the weights of {weights}");
        }

        Console.WriteLine($"query view: {config.TrainingViews().Describe()}");
        TorchRuntime.Load();
        set_num_threads(config.Threads);
        using var method = config.CreateMethod(plan.Train.Count, SingleProcess.Instance);
        method.to(device(config.Device));
        method.Precision = config.Precision.Resolve(device(config.Device));
        method.train();
        var size = config.Views.Size;
        var queue = config.MoCo is { } moco ? $", queue [{moco.QueueSize}, {moco.Dimension}]" : "";
        Console.WriteLine(
            $"views [{config.BatchSize}, 3, {size}, {size}] x {config.Method.ViewsPerImage} -> " +
            $"features [{config.BatchSize}, {method.Encoder.FeatureSize}] -> " +
            $"embeddings [{config.BatchSize}, {config.Method.Dimension}]{queue}");
        Console.WriteLine(
            $"{method.LearnedParameters.Sum(item => item.Parameter.numel()):N0} learned " +
            $"parameters{(config.MoCo is null ? "" : ", as many in the key encoder")}");

        var (stepSeconds, bytes) = MeasureStep(plan, method);
        var viewSeconds = MeasureViews(plan) * config.BatchSize / config.Loader.Workers;
        var step = Math.Max(stepSeconds, viewSeconds);
        var all = TimeSpan.FromSeconds(step * plan.TotalSteps);
        Console.WriteLine(string.Create(
            CultureInfo.InvariantCulture,
            $"about {step:G3} s a step (training {stepSeconds:G3}, views {viewSeconds:G3}), {plan.TotalSteps} " +
            $"steps: {TimeLeft.Text(all)} without evaluations"));
        Console.WriteLine(FormattableString.Invariant($"about {bytes / 1e9:F1} GB of memory"));
        Console.WriteLine($"started now, it would end at about {DateTime.Now + all:yyyy-MM-dd HH:mm}");
        Console.WriteLine("`--dry-run --json` prints the configuration, which can be kept as a recipe");
    }

    private static (double Seconds, double Bytes) MeasureStep(PretrainPlan plan, PretrainMethod method)
    {
        var config = plan.Config;
        var count = Math.Min(config.BatchSize, config.BnGroups * Math.Max(1, Images / config.BnGroups));
        var scale = config.BatchSize / (double)count;
        using var scope = NewDisposeScope();
        using var optimizer = MomentumOptimizer.Create(method.LearnedParameters, config.Optimizer);
        var step = new TrainingStep(method, optimizer, SingleProcess.Instance);
        var views = rand([count, 3, config.Views.Size, config.Views.Size], device: device(config.Device));
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
            catch (Data.Images.BrokenImageException)
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
