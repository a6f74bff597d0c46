using System.Text.Json.Nodes;
using MoCoSharp.Data;
using MoCoSharp.Detection.Datasets;
using MoCoSharp.Detection.Metrics;
using MoCoSharp.Detection.Model;
using MoCoSharp.Models;

namespace MoCoSharp.Detection.Transfer;

/// <summary>What a detector reached, and by which protocol: what evaluations/detection-*.json of a run folder holds.</summary>
/// <param name="Config">Of the run.</param>
/// <param name="Step">Steps done.</param>
/// <param name="Scores">The numbers.</param>
/// <param name="Images">Images that were judged.</param>
/// <param name="Unreadable">Images that could not be, and count for nothing.</param>
public sealed record DetectionResult(DetectionConfig Config, long Step, DetectionScores Scores, int Images, int Unreadable)
{
    /// <summary>The model and how it was trained, in a sentence.</summary>
    public string Protocol =>
        $"Faster R-CNN R{Config.Encoder.Depth}-C4{(Config.Encoder.Width == 64 ? "" : $", width {Config.Encoder.Width}")}{(Config.Encoder.Stem == EncoderStem.ImageNet ? "" : $", {Config.Encoder.Stem.Name()} stem")} from {Config.From}; " +
        FormattableString.Invariant($"{Step} steps of {Config.BatchSize} images, lr {Config.Optimizer.LearningRate}, seed {Config.Seed}; trained on {Config.Data}, judged on {Config.Validation ?? "its test part"}; {Scores.Metric}");

    /// <summary>Judges what was found.</summary>
    /// <param name="config">Of the run.</param>
    /// <param name="step">Steps done.</param>
    /// <param name="images">The truth.</param>
    /// <param name="judged">Indices of the images that were looked at.</param>
    /// <param name="found">In those.</param>
    public static DetectionResult Of(DetectionConfig config, long step, BoxedImages images, IReadOnlyList<int> judged, IReadOnlyList<FoundObject> found)
    {
        ArgumentNullException.ThrowIfNull(config);
        ArgumentNullException.ThrowIfNull(images);
        ArgumentNullException.ThrowIfNull(judged);
        return new DetectionResult(config, step, DetectionMetrics.Compute(config.Metric, images, judged, found), judged.Count, images.Count - judged.Count);
    }

    /// <summary>The numbers with everything they must be read with.</summary>
    public JsonObject ToJson() => new()
    {
        ["evaluation"] = "detection",
        ["protocol"] = Protocol,
        ["deviations"] = new JsonArray([.. DetectionConfigFile.Deviations(Config).Select(text => (JsonNode)text)]),
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

    private static JsonNode? Number(double value) => double.IsFinite(value) ? value : null; // JSON has no "not a number"
}
