using System.Diagnostics;
using System.Globalization;
using MoCoSharp.Distributed;
using MoCoSharp.Kernels;
using MoCoSharp.Models;
using MoCoSharp.Optimization;
using MoCoSharp.Runs;
using MoCoSharp.Training;
using TorchSharp;
using static TorchSharp.torch;

namespace MoCoSharp.Benchmarks;

/// <summary>What each fast kernel gains: whole steps with it and without it, in turn in one process.</summary>
internal static class KernelGains
{
    private const int WarmUp = 2; // steps with each setting: memory grows, oneDNN makes its kernels

    public static void Measure(string model, string precision, int rounds, int threads)
    {
        TorchRuntime.Configure();
        TorchRuntime.Load();
        set_num_threads(threads);
        var (recipe, batch, queue, size) =
            model == "r50" ? ("moco-v2-imagenet-r50", 16, 65536, 224) : ("moco-cifar10-r18", 128, 4096, 32);
        var config = RunConfig.Load(recipe,
            [
                $"batchSize={batch}", $"moco.queueSize={queue}", "encoder.head=mlp", "bnGroups=1",
                $"precision={precision}",
            ]);
        using var method = config.CreateMethod(batch, SingleProcess.Instance);
        method.Precision = config.Precision.Resolve(CPU);
        method.train();
        using var optimizer = MomentumOptimizer.Create(method.LearnedParameters, config.Optimizer);
        var step = new TrainingStep(method, optimizer, SingleProcess.Instance);
        var query = ChannelsLast.From(rand(batch, 3, size, size));
        var key = ChannelsLast.From(rand(batch, 3, size, size));

        string[] settings = ["", .. KernelTable.All.Select(kernel => "-" + kernel.Name), "libtorch"];
        var times = settings.ToDictionary(setting => setting, _ => new List<(double Wall, double Processor)>());
        var steps = 0;
        for (var round = -WarmUp; round < rounds; round++)
        {
            foreach (var setting in settings)
            {
                using var switches = KernelSwitches.Override(setting, assumesProcessor: false);
                var time = Time(() => step.Run(steps++, query, key, learningRate: 0.001));
                if (round >= 0)
                {
                    times[setting].Add(time);
                }
            }
        }

        Console.WriteLine(
            $"{recipe}, batch {batch}, {precision}, {threads} threads, {rounds} rounds: median of the ratios of a round"
        );
        foreach (var setting in settings)
        {
            var ratios = times[setting]
                .Zip(times[""], (off, on) => (off.Wall / on.Wall, off.Processor / on.Processor))
                .ToList();
            Console.WriteLine(string.Create(CultureInfo.InvariantCulture,
                $"{(setting.Length == 0 ? "all kernels" : setting), -28} wall " +
                $"{Report.Median(times[setting].Select(time => time.Wall)), 6:F2} s, ")
                + string.Create(
                    CultureInfo.InvariantCulture,
                $"x {Report.Median(ratios.Select(ratio => ratio.Item1)):F2}; processor " +
                $"{Report.Median(times[setting].Select(time => time.Processor)), 6:F2} s, ")
            + string.Create(
                CultureInfo.InvariantCulture,
                $"x {Report.Median(ratios.Select(ratio => ratio.Item2)):F2}"));
        }
    }

    private static (double Wall, double Processor) Time(Action work)
    {
        using var scope = NewDisposeScope();
        using var process = Process.GetCurrentProcess();
        var (begin, used) = (Stopwatch.GetTimestamp(), process.TotalProcessorTime);
        work();
        process.Refresh();
        return (Stopwatch.GetElapsedTime(begin).TotalSeconds, (process.TotalProcessorTime - used).TotalSeconds);
    }
}
