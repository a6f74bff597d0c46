using System.Globalization;
using System.Text.Json.Nodes;

namespace MoCoSharp.Diagnostics;

/// <summary>How a run is doing at one step. What a method does not have is null.</summary>
public sealed record HealthFigures
{
    /// <inheritdoc cref="HealthFigure.All"/>
    public double? QueueFill { get; init; }

    /// <inheritdoc cref="HealthFigure.All"/>
    public double? QueueAge { get; init; }

    /// <inheritdoc cref="HealthFigure.All"/>
    public double? RepeatedImages { get; init; }

    /// <inheritdoc cref="HealthFigure.All"/>
    public double? PositiveSimilarity { get; init; }

    /// <inheritdoc cref="HealthFigure.All"/>
    public double? HardestNegative { get; init; }

    /// <inheritdoc cref="HealthFigure.All"/>
    public double? NegativesThatCount { get; init; }

    /// <inheritdoc cref="HealthFigure.All"/>
    public double? LossIfUninformed { get; init; }

    /// <inheritdoc cref="HealthFigure.All"/>
    public double? LossIfRandom { get; init; }

    /// <inheritdoc cref="HealthFigure.All"/>
    public double? FeatureDeviation { get; init; }

    /// <inheritdoc cref="HealthFigure.All"/>
    public double? EffectiveRank { get; init; }

    /// <inheritdoc cref="HealthFigure.All"/>
    public double? GradientNorm { get; init; }

    /// <inheritdoc cref="HealthFigure.All"/>
    public double? UpdateRatio { get; init; }

    /// <inheritdoc cref="HealthFigure.All"/>
    public double? ContrastShuffled { get; init; }

    /// <inheritdoc cref="HealthFigure.All"/>
    public double? ContrastUnshuffled { get; init; }

    /// <inheritdoc cref="HealthFigure.All"/>
    public double? KeyShift { get; init; }

    /// <summary>As in metrics.jsonl: six digits, what is null or no number left out.</summary>
    public JsonObject ToJson()
    {
        var json = new JsonObject();
        foreach (var figure in HealthFigure.All)
        {
            if (figure.Value(this) is { } value && double.IsFinite(value))
            {
                json[figure.Name] = double.Parse(
                    value.ToString("G6", CultureInfo.InvariantCulture),
                    CultureInfo.InvariantCulture);
            }
        }

        return json;
    }

    /// <summary>From metrics.jsonl.</summary>
    public static HealthFigures FromJson(JsonObject json)
    {
        ArgumentNullException.ThrowIfNull(json);
        return new()
        {
            QueueFill = Get("queueFill"),
            QueueAge = Get("queueAge"),
            RepeatedImages = Get("repeatedImages"),
            PositiveSimilarity = Get("positiveSimilarity"),
            HardestNegative = Get("hardestNegative"),
            NegativesThatCount = Get("negativesThatCount"),
            LossIfUninformed = Get("lossIfUninformed"),
            LossIfRandom = Get("lossIfRandom"),
            FeatureDeviation = Get("featureDeviation"),
            EffectiveRank = Get("effectiveRank"),
            GradientNorm = Get("gradientNorm"),
            UpdateRatio = Get("updateRatio"),
            ContrastShuffled = Get("contrastShuffled"),
            ContrastUnshuffled = Get("contrastUnshuffled"),
            KeyShift = Get("keyShift"),
        };

        double? Get(string name) =>
            json[name] is JsonValue value && value.TryGetValue<double>(out var number) ? number : null;
    }
}
