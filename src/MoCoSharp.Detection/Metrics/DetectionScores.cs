using MoCoSharp.Detection.Datasets;
using MoCoSharp.Detection.Model;

namespace MoCoSharp.Detection.Metrics;

/// <summary>What a class reached.</summary>
/// <param name="Name">Of the class.</param>
/// <param name="Ap">Mean over ten IoUs, 0 to 1; NaN where there is no object to find.</param>
/// <param name="Ap50">At an IoU of 0.5.</param>
/// <param name="Curve">Recall and precision at an IoU of 0.5.</param>
public sealed record ClassScore(string Name, double Ap, double Ap50, IReadOnlyList<(double Recall, double Precision)> Curve);

/// <summary>The numbers of a detection; each is 0 to 1, and NaN where there is nothing to measure.</summary>
/// <param name="Metric">Whose arithmetic, in a phrase.</param>
/// <param name="Ap">Mean over IoUs of 0.5 to 0.95 by 0.05, and over classes.</param>
/// <param name="Ap50">At 0.5.</param>
/// <param name="Ap75">At 0.75.</param>
/// <param name="Classes">Each class.</param>
public sealed record DetectionScores(string Metric, double Ap, double Ap50, double Ap75, IReadOnlyList<ClassScore> Classes)
{
    /// <summary>What else the metric gives, by the name that it has there.</summary>
    public IReadOnlyDictionary<string, double> Others { get; init; } = new Dictionary<string, double>(StringComparer.Ordinal);
}

/// <summary>The metrics by name.</summary>
public static class DetectionMetric
{
    /// <summary>The names, in the order that messages give them.</summary>
    public static IReadOnlyList<string> Names { get; } = ["voc07", "voc", "coco"];

    /// <summary>Judges.</summary>
    /// <param name="name">"voc07" (11 points), "voc" (area under the curve) or "coco".</param>
    /// <param name="images">The truth.</param>
    /// <param name="judged">Indices of the images that count.</param>
    /// <param name="found">In those images.</param>
    public static DetectionScores Of(string name, BoxedImages images, IReadOnlyList<int> judged, IReadOnlyList<FoundObject> found) => name switch
    {
        "voc07" => VocMetric.Of(images, judged, found, elevenPoints: true),
        "voc" => VocMetric.Of(images, judged, found, elevenPoints: false),
        "coco" => CocoMetric.Of(images, judged, found),
        _ => throw new ArgumentException($"metric is \"{name}\", expected {string.Join(", ", Names)}.", nameof(name)),
    };

    /// <summary>The mean of what there is; NaN of nothing.</summary>
    internal static double Mean(IEnumerable<double> values)
    {
        var defined = values.Where(value => !double.IsNaN(value)).ToList();
        return defined.Count == 0 ? double.NaN : defined.Average();
    }
}
