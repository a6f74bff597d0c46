using System.Globalization;
using System.Text.Json.Nodes;
using MoCoSharp.Data;
using MoCoSharp.Detection.Datasets;
using MoCoSharp.Detection.Metrics;
using MoCoSharp.Detection.Model;
using MoCoSharp.Models;

namespace MoCoSharp.Detection.Transfer;

/// <summary>The scores of a detector with their protocol: evaluations/detection-*.json of a run folder.</summary>
/// <param name="Config">The configuration of the run.</param>
/// <param name="Step">Steps done.</param>
/// <param name="Scores">The scores.</param>
/// <param name="Images">Test images.</param>
/// <param name="Unreadable">Test images that could not be read. They do not count.</param>
public sealed record DetectionResult(
    DetectionConfig Config, long Step, DetectionScores Scores, int Images, int Unreadable)
{
    /// <summary>The folder of the pictures and what they show; null if none were drawn.</summary>
    public string? Pictures { get; init; }

    /// <summary>The model and how it was trained, in a sentence.</summary>
    public string Protocol
    {
        get
        {
            var width = Config.Encoder.Width == 64 ? "" : $", width {Config.Encoder.Width}";
            var stem = Config.Encoder.Stem == EncoderStem.ImageNet ? "" : $", {Config.Encoder.Stem.Name()} stem";
            return string.Create(
                CultureInfo.InvariantCulture,
                $"Faster R-CNN R{Config.Encoder.Depth}-C4{width}{stem} from {Config.From}; " +
                $"{Step} steps of {Config.BatchSize} images, lr {Config.Optimizer.LearningRate}, " +
                $"seed {Config.Seed}; trained on {Config.Data}, " +
                $"judged on {Config.Validation ?? "its test part"}; {Scores.Metric}");
        }
    }

    /// <summary>Scores the objects that a detector found.</summary>
    /// <param name="config">The configuration of the run.</param>
    /// <param name="step">Steps done.</param>
    /// <param name="images">The test images with their true boxes.</param>
    /// <param name="judged">Indices of the images that could be read.</param>
    /// <param name="found">The objects found in these images.</param>
    internal static DetectionResult Compute(
        DetectionConfig config, long step, BoxedImages images, IReadOnlyList<int> judged,
        IReadOnlyList<FoundObject> found)
    {
        ArgumentNullException.ThrowIfNull(config);
        ArgumentNullException.ThrowIfNull(images);
        ArgumentNullException.ThrowIfNull(judged);
        var scores = DetectionMetrics.Compute(config.Metric, images, judged, found);
        return new DetectionResult(config, step, scores, judged.Count, images.Count - judged.Count);
    }

    /// <summary>The scores with their protocol and its deviations.</summary>
    public JsonObject ToJson() => new()
    {
        ["evaluation"] = "detection",
        ["protocol"] = Protocol,
        ["deviations"] = new JsonArray([.. Config.Deviations().Select(text => (JsonNode)text)]),
        ["metric"] = Scores.Metric,
        ["ap"] = Number(Scores.Ap),
        ["ap50"] = Number(Scores.Ap50),
        ["ap75"] = Number(Scores.Ap75),
        ["others"] = new JsonObject(Scores.Others.Select(item => KeyValuePair.Create(item.Key, Number(item.Value)))),
        ["step"] = Step,
        ["seed"] = Config.Seed,
        ["from"] = Config.From,
        ["images"] = Images,
        ["unreadableImages"] = Unreadable,
        ["perClass"] = new JsonObject(Scores.Classes.Select(score => KeyValuePair.Create<string, JsonNode?>(
            score.Name, new JsonObject { ["ap"] = Number(score.Ap), ["ap50"] = Number(score.Ap50) }))),
    };

    private static JsonNode? Number(double value) => double.IsFinite(value) ? value : null; // JSON has no NaN
}
