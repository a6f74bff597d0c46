using System.Text.Json.Serialization;
using MoCoSharp.Data;
using MoCoSharp.Detection.Datasets;
using MoCoSharp.Detection.Metrics;
using MoCoSharp.Detection.Model;
using MoCoSharp.Encoders;
using MoCoSharp.Methods;
using MoCoSharp.Models;
using MoCoSharp.Runs;
using TorchSharp;

namespace MoCoSharp.Detection.Transfer;

/// <summary>The settings of a detection: config.json of its run folder. The defaults are MoCo's VOC protocol.</summary>
/// <remarks>
/// He et al. 2020, <see href="https://arxiv.org/abs/1911.05722"/>, section 4.2.1 and appendix, and the configuration
/// published with it.
/// </remarks>
public sealed record DetectionConfig
{
    /// <summary>The run or file of the initial weights, with its step; "random weights" is from scratch.</summary>
    public string From { get; init; } = "random weights";

    /// <summary>The path of the initial weights; null is random weights.</summary>
    /// <remarks>A run that is resumed before its first checkpoint reads them again.</remarks>
    public string? InitialWeights { get; init; }

    /// <summary>The encoder of that run.</summary>
    public EncoderRole InitialEncoder { get; init; } = EncoderRole.Query;

    /// <summary>The text before "conv1.weight" in a file with several networks; null searches for it.</summary>
    public string? InitialPrefix { get; init; }

    /// <summary>The source of images and boxes: voc:... or coco:...</summary>
    public string Data { get; init; } = "";

    /// <summary>The source of test images; null is the test part of the same source.</summary>
    public string? Validation { get; init; }

    /// <summary>The metric.</summary>
    public DetectionMetric Metric { get; init; } = DetectionMetric.Auto;

    /// <summary>The seed of order, sizes, mirroring, samples and new weights.</summary>
    public long Seed { get; init; }

    /// <summary>Steps in all, above 0.</summary>
    public int Steps { get; init; } = 24_000;

    /// <summary>Images a step, above 0.</summary>
    public int BatchSize { get; init; } = 16;

    /// <summary>Images that pass through the network at once, a divisor of batchSize; 0 is the whole batch.</summary>
    /// <remarks>BatchNorm sees one group at a time. Fewer than 16 images is not the protocol.</remarks>
    public int GroupSize { get; init; }

    /// <summary>Whether to train on images without boxes, as background. The protocol leaves them out.</summary>
    public bool KeepEmptyImages { get; init; }

    /// <summary>The optimizer.</summary>
    public DetectionOptimizerOptions Optimizer { get; init; } = new();

    /// <summary>Batches that measure the statistics of BatchNorm before a test; 0 keeps the moving average.</summary>
    public int PreciseBnBatches { get; init; } = 200;

    /// <summary>"cpu", "cuda" or "cuda:n".</summary>
    public string Device { get; init; } = "cpu";

    /// <summary>What convolutions compute in; fp32 in the protocol.</summary>
    public PrecisionChoice Precision { get; init; } = PrecisionChoice.Fp32;

    /// <summary>Threads of libtorch; 0 chooses a number, and config.json holds it.</summary>
    public int Threads { get; init; }

    /// <summary>Threads that make batches, above 0.</summary>
    public int Workers { get; init; } = 2;

    /// <summary>Steps between two lines of metrics, above 0.</summary>
    public int LogEvery { get; init; } = 20;

    /// <summary>When to save, and which files to keep.</summary>
    public DetectionCheckpointOptions Checkpoints { get; init; } = new();

    /// <summary>The encoder's architecture.</summary>
    public EncoderOptions Encoder { get; init; } = new() { Head = EncoderHead.None };

    /// <summary>Mean of red, green and blue, 0 to 1, as the encoder was trained.</summary>
    public IReadOnlyList<double> Mean { get; init; } = [0.485, 0.456, 0.406];

    /// <summary>Standard deviation of red, green and blue, as the encoder was trained.</summary>
    public IReadOnlyList<double> Std { get; init; } = [0.229, 0.224, 0.225];

    /// <summary>How images are scaled and mirrored.</summary>
    public DetectionViewOptions Views { get; init; } = new();

    /// <summary>The detector.</summary>
    public DetectorOptions Detector { get; init; } = new();

    /// <summary>Reads a run's configuration.</summary>
    /// <param name="path">config.json.</param>
    /// <exception cref="ConfigurationException">It is not a detection's, or has faults; all are listed.</exception>
    public static DetectionConfig Load(string path) => DetectionConfigFile.Load(path);

    /// <summary>Reads JSON, and applies single settings to it.</summary>
    /// <param name="json">The values that differ from the defaults.</param>
    /// <param name="source">The text that each fault begins with.</param>
    /// <param name="settings">Such as "views.testShortSide=256". A later setting wins.</param>
    /// <exception cref="ConfigurationException">There are faults; all are listed.</exception>
    public static DetectionConfig Parse(string json, string source, IEnumerable<string> settings) =>
        DetectionConfigFile.Parse(json, source, settings);

    /// <summary>Whether a config.json is a detection's. False if it cannot be read.</summary>
    public static bool IsOne(string path) => DetectionConfigFile.IsDetection(path);

    /// <summary>The configuration as indented JSON, every default spelled out.</summary>
    public string ToJson() => DetectionConfigFile.Write(this);

    /// <summary>
    /// Makes every choice that is open: the metric of the source, precision and threads. A run does this once, and
    /// config.json records it.
    /// </summary>
    public DetectionConfig Resolve() => this with
    {
        Metric = Metric != DetectionMetric.Auto ? Metric
            : DetectionSource.IsCoco(Validation ?? Data) ? DetectionMetric.Coco
            : DetectionMetric.Voc07,
        Precision = Precision.Resolve(torch.device(TorchRuntime.DeviceFault(Device) is null ? Device : "cpu"))
            .ToChoice(),
        Threads = Threads > 0 ? Threads : Math.Max(1, Environment.ProcessorCount),
    };

    /// <summary>Every setting that differs from the protocol, with both values. Reports list them.</summary>
    public IReadOnlyList<string> Deviations() => DetectionConfigFile.Deviations(this);

    /// <summary>Every fault of this configuration, with the option's name and the cure.</summary>
    public IEnumerable<string> Validate()
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
            yield return $"groupSize is {GroupSize}, expected 0 (the whole batch) or a divisor of " +
                $"batchSize {BatchSize}.";
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

        IEnumerable<string> parts =
        [
            .. Optimizer.Validate(), .. Checkpoints.Validate(), .. Encoder.Validate(),
            .. Views.Validate(), .. Detector.Validate(),
        ];
        foreach (var fault in parts)
        {
            yield return fault;
        }
    }

    /// <summary>Images that pass through the network at once.</summary>
    [JsonIgnore]
    public int ImagesAtOnce => GroupSize == 0 ? BatchSize : GroupSize;
}
