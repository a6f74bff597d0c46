using System.Text.Json.Nodes;
using MoCoSharp.Features;

namespace MoCoSharp.Evaluation;

/// <summary>Builds the JSON of an evaluation, with its scores and its complete protocol.</summary>
internal static class EvaluationJson
{
    /// <summary>Creates the entries that every evaluation has.</summary>
    /// <param name="evaluation">"knn", "linear", "linear-cached", "finetune" or "scratch".</param>
    /// <param name="protocol">The complete protocol.</param>
    /// <param name="scores">The scores.</param>
    public static JsonObject Create(string evaluation, string protocol, ClassificationScores scores)
    {
        var names = scores.ClassNames;
        var labels = Enumerable.Range(0, names.Count).ToList();
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
            ["perClass"] = new JsonObject(labels.Select(label =>
                KeyValuePair.Create<string, JsonNode?>(names[label], Number(scores.AccuracyOf(label))))),
            ["confusion"] = new JsonArray([.. labels.Select(row =>
                (JsonNode)new JsonArray([.. labels.Select(column => (JsonNode)scores.Confusion[row, column])]))]),
        };
    }

    /// <summary>Adds the scores of every epoch, and the numbers of the last and the best epoch.</summary>
    public static void AddEpochs(JsonObject json, ClassificationResult result)
    {
        json["lastEpoch"] = result.Last.Epoch;
        json["bestEpoch"] = result.Best.Epoch;
        json["bestTop1"] = result.Best.Top1;
        json["bestIsChosenBy"] = "the images that judge";
        json["epochs"] = new JsonArray([.. result.Epochs.Select(epoch => (JsonNode)new JsonObject
        {
            ["epoch"] = epoch.Epoch,
            ["learningRate"] = epoch.LearningRate,
            ["loss"] = epoch.Loss,
            ["top1"] = epoch.Top1,
            ["top5"] = epoch.Top5,
        })]);
    }

    /// <summary>Adds the two scans of linear classification on cached features, and the optimum.</summary>
    public static void AddScans(JsonObject json, CachedLinearResult result)
    {
        json["learningRate"] = result.Rate;
        json["scan"] = Scan(result.Rates);
        json["logisticRegression"] = new JsonObject
        {
            ["top1"] = result.Optimum.Top1,
            ["c"] = result.Strength,
            ["converged"] = result.OptimumConverged,
            ["scan"] = Scan(result.Strengths),
        };
    }

    private static JsonArray Scan(IReadOnlyList<ScanPoint> points) =>
        [
            .. points.Select(point =>
                (JsonNode)new JsonObject { ["value"] = point.Value, ["heldOutTop1"] = Number(point.HeldOut) }),
        ];

    // JSON has no NaN: null replaces it.
    private static JsonNode? Number(double value) => double.IsFinite(value) ? value : null;
}
