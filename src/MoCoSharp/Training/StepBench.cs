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

/// <summary>Times the phases of a configuration's step on generated images.</summary>
internal sealed class StepBench : IDisposable
{
    private const int WarmUp = 4; // steps in which memory is allocated and oneDNN compiles kernels
    private const double LearningRate = 0.001;

    private static readonly string[] AllPhases =
    [
        "views", "copy", "momentum update", "key forward", "query forward", "loss", "backward", "enqueue", "optimizer",
    ];

    private readonly RunConfig _config;
    private readonly Device _device;
    private readonly Precision _precision;
    private readonly PretrainMethod _method;
    private readonly MomentumOptimizer _optimizer;
    private readonly List<ImageBuffer> _images;
    private readonly StepSamples _samples;
    private readonly float[] _pixels; // [N, H, W, 3]
    private readonly string[] _phases;
    private readonly string[] _forwards;
    private readonly Dictionary<string, List<double>> _milliseconds; // of each step
    private readonly Stopwatch _forwardClock = new();
    private bool _waits = true; // for the device, after each phase

    private StepBench(RunConfig config)
    {
        TorchRuntime.Load();
        set_num_threads(config.Threads);
        _config = config;
        _device = TorchRuntime.OpenDevice(config.Device);
        _precision = config.Precision.Resolve(_device);
        _method = config.CreateMethod(config.BatchSize, SingleProcess.Instance);
        _method.to(_device);
        _method.Precision = _precision;
        _method.train();
        _optimizer = MomentumOptimizer.Create(_method.LearnedParameters, config.Optimizer);
        var patterns = new Patterns(config.BatchSize, config.Views.Size, config.Seed);
        var read = Enumerable.Range(0, config.BatchSize).Select(patterns.Read).ToList();
        _images = [.. read.Select(image => image.Image)];
        _samples = new StepSamples([.. Enumerable.Range(0, read.Count)], [.. read.Select(image => image.Label)]);
        _pixels = new float[3 * config.Views.Size * config.Views.Size * config.BatchSize];
        _phases = [.. AllPhases.Where(name => name != "key forward" || _method.KeyEncoder is not null)];
        _forwards = [.. _phases.Where(name => name.EndsWith("forward", StringComparison.Ordinal))];
        _milliseconds = _phases.ToDictionary(name => name, _ => new List<double>(), StringComparer.Ordinal);
        Watch(_method.Encoder, "query forward");
        if (_method.KeyEncoder is { } keys)
        {
            Watch(keys, "key forward");
        }
    }

    /// <summary>Measures a step.</summary>
    /// <param name="config">A resolved configuration.</param>
    /// <param name="steps">Steps for the median, above 0; four more for warm-up.</param>
    /// <param name="progress">Called after each step with the steps done and the total.</param>
    public static StepTimes Run(RunConfig config, int steps, Action<int, int> progress)
    {
        using var bench = new StepBench(config);
        for (var i = 0; i < WarmUp + steps; i++)
        {
            bench.TimePhases(i);
            progress(i + 1, WarmUp + steps);
        }

        return bench.Report(steps);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _optimizer.Dispose();
        _method.Dispose();
    }

    // The same as TrainingStep.Run, with each phase timed.
    private void TimePhases(int step)
    {
        using var scope = NewDisposeScope();
        foreach (var forward in _forwards)
        {
            _milliseconds[forward].Add(0); // an encoder may run more than once
        }

        Time("views", () => MakeViews(step));
        Time("copy", () => Copy());
        var query = Copy();
        MakeViews(step + 1);
        var key = Copy();
        StepOutput output = default;
        Time("momentum update", () =>
        {
            _method.Prepare(_samples);
            _method.BeforeStep(step);
        });
        Time("loss", () => output = _method.call(query, key)); // minus the encoders, below
        Time("backward", () => _method.Backward(output));
        Time("enqueue", () => _method.AfterBackward(output));
        Time("optimizer", () =>
        {
            _optimizer.Step(LearningRate);
            _optimizer.ClearGradients();
        });
        _milliseconds["loss"][step] -= _forwards.Sum(forward => _milliseconds[forward][step]);
    }

    private StepTimes Report(int steps)
    {
        var peak = TorchRuntime.UsedBytes(_device);
        var medians = _phases.Select(name => (name, Median(_milliseconds[name].Skip(WarmUp)))).ToList();
        var step = _device.type == DeviceType.CUDA
            ? TimeUndisturbed(steps)
            : Median(Enumerable.Range(WarmUp, steps).Select(i => _phases.Skip(2).Sum(name => _milliseconds[name][i])));
        var operations =
            Passes(_config) * _config.BatchSize * EncoderCost.Operations(_method.Encoder, _config.Views.Size);
        return new(medians, step, operations, GemmRate(_precision, _device), peak);
    }

    // Milliseconds of a step. Waiting after each phase keeps a GPU idle while the host prepares the next one.
    private double TimeUndisturbed(int steps)
    {
        _waits = false;
        using var scope = NewDisposeScope();
        var training = new TrainingStep(_method, _optimizer, SingleProcess.Instance);
        var (query, key) = (Copy(), Copy());
        Wait(_device);
        var begin = Stopwatch.GetTimestamp();
        for (var i = 0; i < steps; i++)
        {
            training.Run(WarmUp + steps + i, query, key, LearningRate, samples: _samples);
        }

        Wait(_device);
        return Stopwatch.GetElapsedTime(begin).TotalMilliseconds / steps;
    }

    private Tensor Copy() => HostMemory.Images(_pixels, _config.BatchSize, _config.Views.Size, _device);

    private void Time(string phase, Action work)
    {
        var begin = Stopwatch.GetTimestamp();
        work();
        Wait(_device);
        _milliseconds[phase].Add(Stopwatch.GetElapsedTime(begin).TotalMilliseconds);
    }

    private void Watch(Encoder encoder, string phase)
    {
        encoder.register_forward_pre_hook((_, images) =>
        {
            WaitForPhase();
            _forwardClock.Restart();
            return images;
        });
        encoder.register_forward_hook((_, _, embeddings) =>
        {
            WaitForPhase();
            _milliseconds[phase][^1] += _forwardClock.Elapsed.TotalMilliseconds;
            return embeddings;
        });
    }

    private void WaitForPhase()
    {
        if (_waits)
        {
            Wait(_device);
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

    private void MakeViews(int step)
    {
        var transform = _config.TrainingViews();
        var length = 3 * transform.Size * transform.Size;
        for (var i = 0; i < _config.BatchSize; i++)
        {
            var random = RandomStreams.View(_config.Seed, step, i, view: 0);
            transform.Write(_images[i], ref random, _pixels.AsSpan(i * length, length));
        }
    }

    // The sides of the matrices double until a product takes a fifth of a second: without instructions for bf16,
    // libtorch needs minutes for one of 4,096.
    private static double GemmRate(Precision precision, Device device)
    {
        const int most = 4096;
        using var noGrad = no_grad();
        for (var side = 256; ; side *= 2)
        {
            var seconds = GemmSeconds(side, precision, device);
            if (side == most || seconds > 0.2)
            {
                return 2.0 * side * side * side / seconds;
            }
        }
    }

    private static double GemmSeconds(int side, Precision precision, Device device)
    {
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

        return best;
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
