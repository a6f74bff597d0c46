using System.Text.Json.Nodes;
using MoCoSharp.Features;

namespace MoCoSharp.Evaluation;

/// <summary>
/// An evaluation as JSON: its protocol in full beside the numbers. What evaluations/*.json of a run folder holds.
/// </summary>
public static class EvaluationReport
{
    /// <summary>The parts that every evaluation has.</summary>
    /// <param name="evaluation">"knn", "linear", "linear-cached" or "finetune".</param>
    /// <param name="protocol">In full.</param>
    /// <param name="scores">What was found.</param>
    public static JsonObject Of(string evaluation, string protocol, ClassificationScores scores)
    {
        ArgumentNullException.ThrowIfNull(scores);
        var names = scores.ClassNames;
        var (low, high) = scores.Interval;
        return new JsonObject
        {
            ["evaluation"] = evaluation,
            ["protocol"] = protocol,
            ["top1"] = scores.Top1,
            ["top1Interval95"] = new JsonArray(low, high),
            ["top5"] = Number(scores.Top5),
            ["meanClassAccuracy"] = Number(scores.MeanClassAccuracy),
            ["images"] = scores.Count,
            ["perClass"] = new JsonObject(
                Enumerable
                    .Range(0, names.Count)
                    .Select(label =>
                        KeyValuePair.Create<string, JsonNode?>(names[label], Number(scores.AccuracyOf(label))))),
            ["confusion"] = new JsonArray([.. Enumerable.Range(0, names.Count).Select(row =>
                (JsonNode)
                    new JsonArray([
                        .. Enumerable
                            .Range(0, names.Count)
                            .Select(column => (JsonNode)scores.Confusion[row, column]),
                    ])),
    ]),
        };
    }

    /// <summary>The same, for a training on labels: every epoch, and the best beside the last.</summary>
    public static JsonObject Of(string evaluation, string protocol, ClassificationResult result)
    {
        ArgumentNullException.ThrowIfNull(result);
        var report = Of(evaluation, protocol, result.Scores);
        report["lastEpoch"] = result.Last.Epoch;
        report["bestEpoch"] = result.Best.Epoch;
        report["bestTop1"] = result.Best.Top1;
        report["bestIsChosenBy"] = "the images that judge";
        report["epochs"] = new JsonArray([.. result.Epochs.Select(epoch => (JsonNode)new JsonObject
        {
            ["epoch"] = epoch.Epoch,
            ["learningRate"] = epoch.LearningRate,
            ["loss"] = epoch.Loss,
            ["top1"] = epoch.Top1,
            ["top5"] = epoch.Top5,
        })]);
        return report;
    }

    /// <summary>JSON has no "not a number": it is null there.</summary>
    public static JsonNode? Number(double value) => double.IsFinite(value) ? value : null;
}
