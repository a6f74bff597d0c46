using System.Text.Json.Serialization;
using MoCoSharp.Data;
using MoCoSharp.Detection.Datasets;
using MoCoSharp.Detection.Model;

namespace MoCoSharp.Detection.Metrics;

/// <summary>The scores of a class.</summary>
/// <param name="Name">Name of the class.</param>
/// <param name="Ap">Mean over ten IoUs, 0 to 1; NaN if there is no object to find.</param>
/// <param name="Ap50">AP at an IoU of 0.5.</param>
/// <param name="Curve">Recall and precision at an IoU of 0.5.</param>
public sealed record ClassScore(
    string Name, double Ap, double Ap50, IReadOnlyList<(double Recall, double Precision)> Curve);

/// <summary>The scores of a detector. Each is 0 to 1, or NaN if there is nothing to measure.</summary>
/// <param name="Metric">Name of the metric.</param>
/// <param name="Ap">AP: the mean over IoUs of 0.5 to 0.95 in steps of 0.05, and over classes.</param>
/// <param name="Ap50">AP at an IoU of 0.5.</param>
/// <param name="Ap75">AP at an IoU of 0.75.</param>
/// <param name="Classes">Scores of each class.</param>
public sealed record DetectionScores(
    string Metric, double Ap, double Ap50, double Ap75, IReadOnlyList<ClassScore> Classes)
{
    /// <summary>Further scores of the metric, by their published names.</summary>
    public IReadOnlyDictionary<string, double> Others { get; init; } =
        new Dictionary<string, double>(StringComparer.Ordinal);
}

/// <summary>A metric of detection.</summary>
[JsonConverter(typeof(EnumNameConverter<DetectionMetric>))]
public enum DetectionMetric
{
    /// <summary><see cref="Voc07"/> for VOC data, <see cref="Coco"/> for COCO's.</summary>
    [JsonStringEnumMemberName("auto")]
    Auto,

    /// <summary>Pascal VOC 2007: precision at 11 recalls.</summary>
    [JsonStringEnumMemberName("voc07")]
    Voc07,

    /// <summary>Pascal VOC since 2010: the area under the curve.</summary>
    [JsonStringEnumMemberName("voc")]
    Voc,

    /// <summary>COCO.</summary>
    [JsonStringEnumMemberName("coco")]
    Coco,
}

/// <summary>Computes the scores of a metric.</summary>
internal static class DetectionMetrics
{
    /// <summary>The scores of a detection.</summary>
    /// <param name="metric">Not <see cref="DetectionMetric.Auto"/>.</param>
    /// <param name="images">The images with their true boxes.</param>
    /// <param name="judged">Indices of the images that count.</param>
    /// <param name="found">Detections in these images.</param>
    /// <exception cref="ArgumentException">The metric is <see cref="DetectionMetric.Auto"/> or unknown.</exception>
    public static DetectionScores Compute(
        DetectionMetric metric, BoxedImages images, IReadOnlyList<int> judged,
        IReadOnlyList<FoundObject> found) =>
        metric switch
    {
        DetectionMetric.Voc07 => VocMetric.Of(images, judged, found, elevenPoints: true),
        DetectionMetric.Voc => VocMetric.Of(images, judged, found, elevenPoints: false),
        DetectionMetric.Coco => CocoMetric.Of(images, judged, found),
        _ => throw new ArgumentException(
            $"metric is \"{metric.Name()}\", expected voc07, voc or coco.",
            nameof(metric)),
    };

    /// <summary>The mean of the values that are numbers; NaN if there are none.</summary>
    internal static double Mean(IEnumerable<double> values)
    {
        var defined = values.Where(value => !double.IsNaN(value)).ToList();
        return defined.Count == 0 ? double.NaN : defined.Average();
    }
}
