using System.Globalization;
using System.Text.Json.Nodes;

namespace MoCoSharp.Diagnostics;

/// <summary>The health figures of one step. A figure that the method does not have is null.</summary>
public sealed record HealthFigures
{
    /// <summary>The share of the queue that holds keys of this run, 0 to 1.</summary>
    public double? QueueFill { get; init; }

    /// <summary>The age of the oldest key, in steps.</summary>
    public double? QueueAge { get; init; }

    /// <summary>The mean number of negatives that are keys of the query's own image.</summary>
    public double? RepeatedImages { get; init; }

    /// <summary>The mean cosine of a query and its key.</summary>
    public double? PositiveSimilarity { get; init; }

    /// <summary>The mean cosine of a query and the most similar key of the queue.</summary>
    public double? HardestNegative { get; init; }

    /// <summary>The number of negatives that share the weight of the loss: exp(entropy of their softmax).</summary>
    public double? EffectiveNegatives { get; init; }

    /// <summary>ln(1 + K): the loss of features that hold no information.</summary>
    public double? ChanceLoss { get; init; }

    /// <summary>The loss at this positive similarity if the negatives had random directions.</summary>
    public double? LossIfRandom { get; init; }

    /// <summary>The spread of the query embeddings on the sphere, 0 (one point) to 1 (uniform).</summary>
    public double? FeatureDeviation { get; init; }

    /// <summary>The number of directions that the query embeddings use.</summary>
    public double? EffectiveRank { get; init; }

    /// <summary>The norm of the gradient of all learned parameters, before weight decay.</summary>
    public double? GradientNorm { get; init; }

    /// <summary>The norm of the update relative to the norm of the weights.</summary>
    public double? UpdateRatio { get; init; }

    /// <summary>The contrast accuracy of one batch with shuffled keys, 0 to 1.</summary>
    public double? ContrastShuffled { get; init; }

    /// <summary>The contrast accuracy of the same batch with unshuffled keys, 0 to 1.</summary>
    public double? ContrastUnshuffled { get; init; }

    /// <summary>1 minus the cosine of a key with and without the shuffle.</summary>
    public double? KeyShift { get; init; }

    /// <summary>
    /// Writes the figures for metrics.jsonl, with six digits. Null and non-finite values are left out.
    /// </summary>
    internal JsonObject ToJson()
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

    /// <summary>Reads the figures from metrics.jsonl.</summary>
    internal static HealthFigures FromJson(JsonObject json)
    {
        return new()
        {
            QueueFill = Get("queueFill"),
            QueueAge = Get("queueAge"),
            RepeatedImages = Get("repeatedImages"),
            PositiveSimilarity = Get("positiveSimilarity"),
            HardestNegative = Get("hardestNegative"),
            EffectiveNegatives = Get("negativesThatCount"),
            ChanceLoss = Get("lossIfUninformed"),
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
