using MoCoSharp.Data;
using MoCoSharp.Detection.Datasets;
using MoCoSharp.Detection.Metrics;
using MoCoSharp.Detection.Model;
using MoCoSharp.Encoders;
using MoCoSharp.Methods;
using MoCoSharp.Models;
using MoCoSharp.Optimization;

namespace MoCoSharp.Detection.Transfer;

/// <summary>Everything that decides what a detection does; config.json of its run folder spells it out. The defaults are MoCo's VOC protocol.</summary>
/// <remarks>He et al. 2020, <see href="https://arxiv.org/abs/1911.05722"/>, section 4.2.1 and appendix, and the configuration published with it.</remarks>
public sealed record DetectionConfig
{
    /// <summary>What the weights began as: the run or file, with its step; "random weights" is from scratch.</summary>
    public string From { get; init; } = "random weights";

    /// <summary>The run folder or file that the weights come from, so that a run that is resumed before its first checkpoint begins with them; null where there is none.</summary>
    public string? InitialWeights { get; init; }

    /// <summary>Which of its encoders.</summary>
    public EncoderRole InitialEncoder { get; init; } = EncoderRole.Query;

    /// <summary>What precedes "conv1.weight" in a file of others with several networks; null finds it.</summary>
    public string? InitialPrefix { get; init; }

    /// <summary>Where images and boxes come from: voc:... or coco:...</summary>
    public string Data { get; init; } = "";

    /// <summary>Images and boxes to judge by; null takes the source's own test part.</summary>
    public string? Validation { get; init; }

    /// <summary>The metric.</summary>
    public DetectionMetric Metric { get; init; } = DetectionMetric.Auto;

    /// <summary>Fixes order, sizes, mirroring, samples and the new layers' weights.</summary>
    public long Seed { get; init; }

    /// <summary>Steps in all, above 0.</summary>
    public int Steps { get; init; } = 24_000;

    /// <summary>Images a step, above 0.</summary>
    public int BatchSize { get; init; } = 16;

    /// <summary>Images that pass through the network at once, a divisor of batchSize; 0 is all of them. BatchNorm sees so many: fewer than 16 is not the protocol.</summary>
    public int GroupSize { get; init; }

    /// <summary>Whether images without boxes are trained on, as background; the protocol leaves them out.</summary>
    public bool KeepEmptyImages { get; init; }

    /// <summary>The optimizer.</summary>
    public DetectionOptimizerOptions Optimizer { get; init; } = new();

    /// <summary>Batches over which BatchNorm's statistics are measured before a test, as a true average; 0 takes the moving average of training.</summary>
    public int PreciseBnBatches { get; init; } = 200;

    /// <summary>"cpu", "cuda" or "cuda:n".</summary>
    public string Device { get; init; } = "cpu";

    /// <summary>What convolutions compute in; fp32 in the protocol.</summary>
    public PrecisionChoice Precision { get; init; } = PrecisionChoice.Fp32;

    /// <summary>Threads of libtorch; 0 chooses once, and config.json keeps the choice.</summary>
    public int Threads { get; init; }

    /// <summary>Threads that make batches, above 0.</summary>
    public int Workers { get; init; } = 2;

    /// <summary>A line of metrics every so many steps, above 0.</summary>
    public int LogEvery { get; init; } = 20;

    /// <summary>When to save.</summary>
    public DetectionCheckpointOptions Checkpoints { get; init; } = new();

    /// <summary>The encoder's architecture.</summary>
    public EncoderOptions Encoder { get; init; } = new() { Head = EncoderHead.None };

    /// <summary>Mean of red, green and blue, 0 to 1: the encoder's.</summary>
    public IReadOnlyList<double> Mean { get; init; } = [0.485, 0.456, 0.406];

    /// <summary>Deviation of red, green and blue, 0 to 1: the encoder's.</summary>
    public IReadOnlyList<double> Std { get; init; } = [0.229, 0.224, 0.225];

    /// <summary>How images are scaled and mirrored.</summary>
    public DetectionViewOptions Views { get; init; } = new();

    /// <summary>The detector.</summary>
    public DetectorOptions Detector { get; init; } = new();

    /// <summary>Everything wrong with this configuration, each fault with the option's name and the cure.</summary>
    public IEnumerable<string> Faults()
    {
        if (EnumNames.Fault("initialEncoder", InitialEncoder) is { } role)
        {
            yield return role;
        }

        if (EnumNames.Fault("metric", Metric) is { } metric)
        {
            yield return metric;
        }

        if (Steps < 1)
        {
            yield return $"steps is {Steps}, expected a number above 0. The VOC protocol uses 24000.";
        }

        if (BatchSize is < 1 or > 4096)
        {
            yield return $"batchSize is {BatchSize}, expected 1 to 4096. The protocol uses 16.";
        }
        else if (GroupSize < 0 || (GroupSize > 0 && BatchSize % GroupSize != 0))
        {
            yield return $"groupSize is {GroupSize}, expected 0 (the whole batch) or a divisor of batchSize {BatchSize}.";
        }

        if (PreciseBnBatches < 0)
        {
            yield return $"preciseBnBatches is {PreciseBnBatches}, expected 0 (none) or more. The protocol uses 200.";
        }

        if (EnumNames.Fault("precision", Precision) is { } precision)
        {
            yield return precision;
        }

        if (Threads is < 0 or > 1024 || Workers is < 1 or > 256)
        {
            yield return $"threads is {Threads} and workers {Workers}, expected 0 (choose) to 1024, and 1 to 256.";
        }

        if (LogEvery < 1)
        {
            yield return $"logEvery is {LogEvery}, expected a number above 0.";
        }

        if (Mean.Count != 3 || Std.Count != 3 || Std.Any(value => !(value > 0)))
        {
            yield return "mean and std: expected three numbers each, the std above 0.";
        }

        IEnumerable<string> parts = [.. Optimizer.Faults(), .. Checkpoints.Faults(), .. Encoder.Faults(), .. Views.Faults(), .. Detector.Faults()];
        foreach (var fault in parts)
        {
            yield return fault;
        }
    }

    /// <summary>Images that pass through the network at once.</summary>
    [System.Text.Json.Serialization.JsonIgnore]
    public int ImagesAtOnce => GroupSize == 0 ? BatchSize : GroupSize;
}

/// <summary>Stochastic gradient descent with momentum, as a detection uses it.</summary>
public sealed record DetectionOptimizerOptions
{
    /// <summary>Of a step, above 0; 0.02 for 16 images.</summary>
    public double LearningRate { get; init; } = 0.02;

    /// <summary>0 to below 1.</summary>
    public double Momentum { get; init; } = 0.9;

    /// <summary>Of all parameters but those of BatchNorm, which have none.</summary>
    public double WeightDecay { get; init; } = 1e-4;

    /// <summary>Shares of the steps after which the rate falls to a tenth; 18000 and 22000 of 24000.</summary>
    public IReadOnlyList<double> Milestones { get; init; } = [0.75, 11.0 / 12];

    /// <summary>Steps during which the rate rises evenly.</summary>
    public int WarmupSteps { get; init; } = 100;

    /// <summary>Of the rate at the first step.</summary>
    public double WarmupFactor { get; init; } = 1e-3;

    /// <summary>Everything wrong with these options, each with the option's name.</summary>
    public IEnumerable<string> Faults()
    {
        if (!(LearningRate > 0) || double.IsInfinity(LearningRate))
        {
            yield return $"optimizer.learningRate is {LearningRate}, expected a number above 0. The protocol uses 0.02 for a batch of 16.";
        }

        if (!(Momentum is >= 0 and < 1) || !(WeightDecay >= 0) || double.IsInfinity(WeightDecay))
        {
            yield return $"optimizer.momentum is {Momentum} and weightDecay {WeightDecay}, expected 0 to below 1, and 0 or more. The protocol uses 0.9 and 0.0001.";
        }

        if (Milestones.Any(share => share is not (> 0 and <= 1)))
        {
            yield return "optimizer.milestones: expected shares of the steps, above 0 and at most 1. The protocol uses 0.75 and 0.91667.";
        }

        if (WarmupSteps < 0 || WarmupFactor is not (>= 0 and <= 1))
        {
            yield return $"optimizer.warmupSteps is {WarmupSteps} and warmupFactor {WarmupFactor}, expected 0 or more, and 0 to 1. The protocol uses 100 and 0.001.";
        }
    }

    /// <summary>The rate of a step.</summary>
    /// <param name="step">Steps done before it.</param>
    /// <param name="steps">Of the whole run.</param>
    public double LearningRateAt(long step, int steps)
    {
        var rate = Schedules.Step(LearningRate, 0.1, Milestones.Select(share => Math.Round(share * steps)), step);
        return Schedules.WarmUpFrom(rate, WarmupFactor, WarmupSteps == 0 ? 1 : Math.Min(1, step / (double)WarmupSteps));
    }
}

/// <summary>When a detection saves, beside its end and a stop.</summary>
public sealed record DetectionCheckpointOptions
{
    /// <summary>Every so many steps; 0 is never.</summary>
    public int EverySteps { get; init; } = 1000;

    /// <summary>And every so many minutes; 0 is never.</summary>
    public double EveryMinutes { get; init; } = 15;

    /// <summary>How many of the newest files stay, above 0.</summary>
    public int Keep { get; init; } = 2;

    /// <summary>Everything wrong with these options, each with the option's name.</summary>
    public IEnumerable<string> Faults()
    {
        if (EverySteps < 0 || !(EveryMinutes >= 0) || double.IsInfinity(EveryMinutes) || Keep < 1)
        {
            yield return $"checkpoints: every {EverySteps} steps and {EveryMinutes} minutes, keep {Keep}: expected 0 (never) or more, twice, and a number above 0.";
        }
    }
}
