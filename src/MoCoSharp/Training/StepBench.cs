using System.Diagnostics;
using MoCoSharp.Data.Datasets;
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

/// <summary>The times of a training step.</summary>
/// <param name="Phases">
/// Median milliseconds of each phase, in MoCo's order; views and the copy come before the step.
/// </param>
/// <param name="StepMilliseconds">
/// The step, from momentum update to optimizer: the median of the phases' sums on a CPU; on a GPU the mean of steps
/// between which nobody waits, as in training.
/// </param>
/// <param name="Operations">
/// Operations of convolutions and linear layers. MoCo counts three forward passes of the query encoder (backward counts
/// twice), and one of the key encoder.
/// </param>
/// <param name="GemmRate">
/// Operations per second of torch.mm, 4096 x 4096 x 4096, in the same precision and with the same threads.
/// </param>
/// <param name="PeakBytes">Highest resident memory of the process so far, or memory in use on the GPU.</param>
public sealed record StepTimes(
    IReadOnlyList<(string Name, double Milliseconds)> Phases, double StepMilliseconds, double Operations,
    double GemmRate, long PeakBytes)
{
    /// <summary>Operations per second of the step.</summary>
    public double Rate => Operations / StepMilliseconds * 1000;

    /// <summary>Times the phases of a step on generated images. Nothing is saved.</summary>
    /// <param name="config">A configuration without open choices, from <see cref="PretrainPlan.Resolve"/>.</param>
    /// <param name="steps">Steps for the median, above 0; four more for warm-up.</param>
    /// <param name="progress">Called after each step with the steps done and the total.</param>
    public static StepTimes Measure(RunConfig config, int steps, Action<int, int>? progress = null) =>
        StepBench.Run(config, steps, progress ?? ((_, _) => { }));
}

/// <summary>Times the phases of a configuration's step on generated images.</summary>
internal static class StepBench
{
    private const int WarmUp = 4; // steps in which memory is allocated and oneDNN compiles kernels

    private static readonly string[] AllPhases =
    [
        "views", "copy", "momentum update", "key forward", "query forward", "loss", "backward", "enqueue", "optimizer",
    ];

    /// <summary>Measures a step.</summary>
    /// <param name="config">A resolved configuration.</param>
    /// <param name="steps">Steps for the median, above 0; four more for warm-up.</param>
    /// <param name="progress">Called after each step with the steps done and the total.</param>
    public static StepTimes Run(RunConfig config, int steps, Action<int, int> progress)
    {
        TorchRuntime.Load();
        set_num_threads(config.Threads);
        var device = TorchRuntime.OpenDevice(config.Device);
        var precision = config.Precision.Resolve(device);
        using var method = config.CreateMethod(config.BatchSize, SingleProcess.Instance);
        method.to(device);
        method.Precision = precision;
        method.train();
        using var optimizer = MomentumOptimizer.Create(method.LearnedParameters, config.Optimizer);
        var size = config.Views.Size;
        var patterns = new Patterns(config.BatchSize, size, config.Seed);
        var images = Enumerable.Range(0, config.BatchSize).Select(i => patterns.Read(i).Image).ToList();
        var views = new float[3 * size * size * config.BatchSize];
        string[] phases = [.. AllPhases.Where(name => name != "key forward" || method.KeyEncoder is not null)];
        var milliseconds = phases.ToDictionary(name => name, _ => new List<double>(), StringComparer.Ordinal);
        var clock = new Stopwatch();
        var waits = true;
        Watch(method.Encoder, "query forward");
        if (method.KeyEncoder is { } keys)
        {
            Watch(keys, "key forward");
        }

        string[] forwards = [.. phases.Where(name => name.EndsWith("forward", StringComparison.Ordinal))];
        var samples = new StepSamples(
            [.. Enumerable.Range(0, config.BatchSize)],
            [.. Enumerable.Range(0, config.BatchSize).Select(i => patterns.Read(i).Label)]);
        for (var i = 0; i < WarmUp + steps; i++)
        {
            using var scope = NewDisposeScope();
            foreach (var forward in forwards)
            {
                milliseconds[forward].Add(0); // an encoder may run more than once
            }

            Time("views", () => MakeViews(config, images, i, views));
            Time("copy", () => HostMemory.Images(views, config.BatchSize, size, device));
            var query = HostMemory.Images(views, config.BatchSize, size, device);
            MakeViews(config, images, i + 1, views);
            var key = HostMemory.Images(views, config.BatchSize, size, device);

            // The same as TrainingStep.Run, with each phase timed.
            StepOutput output = default;
            Time("momentum update", () =>
            {
                method.Prepare(samples);
                method.BeforeStep(i);
            });
            Time("loss", () => output = method.call(query, key)); // minus the encoders, below
            Time("backward", () => method.Backward(output));
            Time("enqueue", () => method.AfterBackward(output));
            Time("optimizer", () =>
            {
                optimizer.Step(learningRate: 0.001);
                optimizer.ClearGradients();
            });
            milliseconds["loss"][i] -= forwards.Sum(forward => milliseconds[forward][i]);
            progress(i + 1, WarmUp + steps);
        }

        var peak = TorchRuntime.UsedBytes(device);
        var medians = phases.Select(name => (name, Median(milliseconds[name].Skip(WarmUp)))).ToList();
        var step = Median(
            Enumerable.Range(WarmUp, steps).Select(i => phases.Skip(2).Sum(name => milliseconds[name][i])));
        if (device.type == DeviceType.CUDA)
        {
            step = Undisturbed();
        }

        var operations = Passes(config) * config.BatchSize * EncoderCost.Operations(method.Encoder, size);
        return new(medians, step, operations, GemmRate(precision, device), peak);

        // Waiting after each phase, as above, keeps a GPU idle while the host prepares the next phase.
        double Undisturbed()
        {
            waits = false;
            using var scope = NewDisposeScope();
            var training = new TrainingStep(method, optimizer, SingleProcess.Instance);
            var query = HostMemory.Images(views, config.BatchSize, size, device);
            var key = HostMemory.Images(views, config.BatchSize, size, device);
            Wait(device);
            var begin = Stopwatch.GetTimestamp();
            for (var i = 0; i < steps; i++)
            {
                training.Run(WarmUp + steps + i, query, key, learningRate: 0.001, samples: samples);
            }

            Wait(device);
            return Stopwatch.GetElapsedTime(begin).TotalMilliseconds / steps;
        }

        void Time(string phase, Action work)
        {
            var begin = Stopwatch.GetTimestamp();
            work();
            Wait(device);
            milliseconds[phase].Add(Stopwatch.GetElapsedTime(begin).TotalMilliseconds);
        }

        void Watch(Encoder encoder, string phase)
        {
            encoder.register_forward_pre_hook((_, images) =>
            {
                WaitForPhase();
                clock.Restart();
                return images;
            });
            encoder.register_forward_hook((_, _, embeddings) =>
            {
                WaitForPhase();
                milliseconds[phase][^1] += clock.Elapsed.TotalMilliseconds;
                return embeddings;
            });
        }

        void WaitForPhase()
        {
            if (waits)
            {
                Wait(device);
            }
        }
    }

    // The work for an image, in forward passes. A backward pass counts twice.
    private static double Passes(RunConfig config) => config.Method switch
    {
        MoCoOptions moco => moco.Symmetric ? 8 : 4,
        SimClrOptions simClr => simClr.GradientCache ? 8 : 6,
        { ViewsPerImage: 1 } => 3,
        _ => 6,
    };

    private static void MakeViews(RunConfig config, List<ImageBuffer> images, int step, float[] pixels)
    {
        var transform = config.TrainingViews();
        var length = 3 * transform.Size * transform.Size;
        for (var i = 0; i < config.BatchSize; i++)
        {
            var random = RandomStreams.View(config.Seed, step, i, view: 0);
            transform.Write(images[i], ref random, pixels.AsSpan(i * length, length));
        }
    }

    private static double GemmRate(Precision precision, Device device)
    {
        const int side = 4096;
        using var noGrad = no_grad();
        using var scope = NewDisposeScope();
        var type = precision == Precision.Bf16 ? bfloat16 : float32;
        var (a, b) = (rand(side, side, device: device).to(type), rand(side, side, device: device).to(type));
        var best = double.MaxValue;
        for (var i = 0; i < 4; i++)
        {
            using var each = NewDisposeScope();
            var begin = Stopwatch.GetTimestamp();
            a.mm(b);
            Wait(device);
            best = Math.Min(best, Stopwatch.GetElapsedTime(begin).TotalSeconds);
        }

        return 2.0 * side * side * side / best;
    }

    private static void Wait(Device device)
    {
        if (device.type == DeviceType.CUDA)
        {
            cuda.synchronize(device);
        }
    }

    private static double Median(IEnumerable<double> values)
    {
        var sorted = values.Order().ToList();
        return (sorted[(sorted.Count - 1) / 2] + sorted[sorted.Count / 2]) / 2;
    }
}
