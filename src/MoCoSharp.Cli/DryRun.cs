using System.Globalization;
using MoCoSharp.Cli.Progress;
using MoCoSharp.Distributed;
using MoCoSharp.Training;
using static TorchSharp.torch;

namespace MoCoSharp.Cli;

/// <summary>
/// moco pretrain --dry-run: shows the plan, shapes, and estimates of time and memory, measured on a few small steps.
/// </summary>
internal static class DryRun
{
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
        var size = config.Views.Size;
        var queue = config.MoCo is { } moco ? $", queue [{moco.QueueSize}, {moco.Dimension}]" : "";
        Console.WriteLine(
            $"views [{config.BatchSize}, 3, {size}, {size}] x {config.Method.ViewsPerImage} -> " +
            $"features [{config.BatchSize}, {method.Encoder.FeatureSize}] -> " +
            $"embeddings [{config.BatchSize}, {config.Method.Dimension}]{queue}");
        Console.WriteLine(
            $"{method.LearnedParameters.Sum(item => item.Parameter.numel()):N0} learned " +
            $"parameters{(config.MoCo is null ? "" : ", as many in the key encoder")}");

        var (stepSeconds, viewSeconds, bytes) = plan.Estimate(method);
        var step = Math.Max(stepSeconds, viewSeconds);
        var all = TimeSpan.FromSeconds(step * plan.TotalSteps);
        Console.WriteLine(string.Create(
            CultureInfo.InvariantCulture,
            $"about {step:G3} s a step (training {stepSeconds:G3}, views {viewSeconds:G3}), {plan.TotalSteps} " +
            $"steps: {TimeLeft.Text(all)} without evaluations"));
        Console.WriteLine(FormattableString.Invariant($"about {bytes / 1e9:F1} GB of memory"));
        Console.WriteLine($"started now, it would end at about {DateTime.Now + all:yyyy-MM-dd HH:mm}");
        Console.WriteLine("`--dry-run --json` prints the configuration, which can be saved as a recipe");
    }
}
