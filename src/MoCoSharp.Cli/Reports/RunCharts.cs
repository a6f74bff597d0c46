using System.Text.Json.Nodes;
using MoCoSharp.Diagnostics;
using MoCoSharp.Methods;
using MoCoSharp.Report.RunReports;
using MoCoSharp.Runs;
using static System.FormattableString;

namespace MoCoSharp.Cli.Reports;

/// <summary>Reads the charts of a report from metrics.jsonl.</summary>
internal static class RunCharts
{
    private const int MostPoints = 1000; // of a curve: as many as a screen has columns

    private const string LossTitle = "Loss";
    private const string KnnTitle = "kNN accuracy, %";
    private const string RankTitle = "Effective rank: directions that the features use";
    private const string RateTitle = "Learning rate";
    private const string SpeedTitle = "Images per second";

    /// <summary>The titles of all charts, from top to bottom.</summary>
    public static IReadOnlyList<string> Titles { get; } =
        [LossTitle, KnnTitle, RankTitle, RateTitle, SpeedTitle];

    /// <summary>The charts that have a curve, from top to bottom.</summary>
    /// <param name="config">The configuration of the run.</param>
    /// <param name="metrics">The lines of metrics.jsonl.</param>
    /// <param name="worth">The baselines of the run; null if it was not measured.</param>
    public static IReadOnlyList<Chart> From(RunConfig config, IReadOnlyList<JsonObject> metrics, RunWorth? worth)
    {
        var lastStep = metrics.Count == 0 ? 0 : metrics.Max(line => (long)line["step"]!);
        Chart[] charts =
        [
            new(LossTitle, [.. Loss(config, metrics, lastStep)]),
            new(KnnTitle, [.. Knn(metrics, worth, lastStep)]),
            new(RankTitle, [.. Ranks(metrics)]),
            new(RateTitle, [.. Read("learning rate", metrics, line => line["learningRate"])]),
            new(SpeedTitle, [.. Read("images per second", metrics, line => line["imagesPerSecond"])]),
        ];
        return [.. charts.Where(chart => chart.Curves.Count > 0)];
    }

    /// <summary>The time of all training steps, in seconds, by the logged speed; null if no line tells.</summary>
    /// <param name="metrics">The lines of metrics.jsonl.</param>
    /// <param name="batchSize">Images in a step.</param>
    public static double? TrainingSeconds(IReadOnlyList<JsonObject> metrics, int batchSize)
    {
        var (last, seconds) = (0L, 0.0);
        foreach (var line in metrics)
        {
            var (step, speed) = ((long)line["step"]!, Number(line["imagesPerSecond"]));
            if (step > last && speed > 0)
            {
                seconds += (step - last) * batchSize / speed;
                last = step;
            }
        }

        return last == 0 ? null : seconds;
    }

    /// <summary>Training steps in one epoch; null if no line tells.</summary>
    public static double? StepsPerEpoch(IReadOnlyList<JsonObject> metrics) => metrics
        .Where(line => line.ContainsKey("knn") || line.ContainsKey("labelFree")) // at the end of an epoch
        .Select(line => (Step: (long)line["step"]!, Epoch: Number(line["epoch"])))
        .Where(item => item is { Step: > 0, Epoch: > 0 })
        .Select(item => (double?)(item.Step / item.Epoch))
        .FirstOrDefault();

    // The two expected losses are health figures of MoCo. SimCLR's loss classifies among the other 2N - 1 views.
    private static IEnumerable<Curve> Loss(RunConfig config, IReadOnlyList<JsonObject> metrics, long lastStep)
    {
        List<Curve> loss = [.. Read("loss", metrics, line => line["loss"])];
        return
        [
            .. loss,
            .. Reference("no information: ln(1 + K)", metrics, "lossIfUninformed"),
            .. Reference("random negatives", metrics, "lossIfRandom"),
            .. loss.Count > 0 && config.Method is SimClrOptions
                ? [Level("no information: ln(2N - 1)", Math.Log((2.0 * config.BatchSize) - 1), lastStep)]
                : Array.Empty<Curve>(),
        ];
    }

    private static IEnumerable<Curve> Reference(string name, IReadOnlyList<JsonObject> metrics, string figure) =>
        Read(name, metrics, line => In(line, "health", figure)).Select(curve => curve with { IsReference = true });

    private static IEnumerable<Curve> Knn(IReadOnlyList<JsonObject> metrics, RunWorth? worth, long lastStep)
    {
        List<Curve> knn =
        [
            .. Read(
                "kNN of the encoder", [.. metrics.Where(line => IsOf(line, worth?.Protocol))], line => line["knn"],
                scale: 100),
        ];
        return knn.Count == 0 ? [] :
        [
            .. knn,
            .. (worth?.Baselines ?? []).Select(baseline =>
                Level(Invariant($"{baseline.Name} {100 * baseline.Accuracy:F1}"), 100 * baseline.Accuracy, lastStep)),
        ];
    }

    // Scores of another protocol are not comparable.
    private static bool IsOf(JsonObject line, string? protocol) =>
        protocol is null || line["protocol"]?.ToString() == protocol;

    private static IEnumerable<Curve> Ranks(IReadOnlyList<JsonObject> metrics) =>
    [
        .. Read("embeddings of a batch", metrics, line => In(line, "health", "effectiveRank")),
        .. Read("RankMe, pooled features", metrics, line => In(line, "labelFree", "pooledRank")),
        .. Read("RankMe, head", metrics, line => In(line, "labelFree", "headRank")),
        .. Read("LiDAR, head", metrics, line => In(line, "labelFree", "lidar")),
    ];

    // Null if the group is missing or no object.
    private static JsonNode? In(JsonObject line, string group, string figure) =>
        (line[group] as JsonObject)?[figure];

    private static Curve Level(string name, double value, long lastStep) =>
        new(name, [0, Math.Max(1, lastStep)], [(float)value, (float)value]) { IsReference = true };

    // Empty if no line has the value. Long runs show every n-th value, and the last.
    private static IEnumerable<Curve> Read(
        string name, IReadOnlyList<JsonObject> metrics, Func<JsonObject, JsonNode?> find, double scale = 1)
    {
        List<(long Step, double Value)> points =
        [
            .. metrics
                .Select(line => (Step: (long)line["step"]!, Value: scale * Number(find(line))))
                .Where(point => float.IsFinite((float)point.Value)),
        ];
        var stride = (points.Count + MostPoints - 1) / MostPoints;
        List<(long Step, double Value)> some =
        [
            .. points.Where((_, i) => i % stride == 0 || i == points.Count - 1),
        ];
        return some.Count == 0 ? [] :
        [
            new Curve(name, [.. some.Select(point => point.Step)], [.. some.Select(point => (float)point.Value)]),
        ];
    }

    private static double Number(JsonNode? node) =>
        node is JsonValue value && value.TryGetValue<double>(out var number) ? number : double.NaN;
}
