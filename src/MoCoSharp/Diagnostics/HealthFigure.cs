namespace MoCoSharp.Diagnostics;

/// <summary>A health figure, and the sentence that explains it.</summary>
/// <param name="Name">Its key below "health" in metrics.jsonl, and its name after "health/" in TensorBoard.</param>
/// <param name="Meaning">What it is and which values are good, in a sentence.</param>
/// <param name="Value">Gets its value.</param>
internal sealed record HealthFigure(string Name, string Meaning, Func<HealthFigures, double?> Value)
{
    /// <summary>
    /// All figures, in the order of reports. docs/reference/health.md has the same sentences.
    /// </summary>
    public static IReadOnlyList<HealthFigure> All { get; } =
    [
        new(
            "queueFill",
            "Share of the queue that holds keys of this run; the rest are random. The loss rises until it is " +
            "1.",
            f => f.QueueFill),
        new(
            "queueAge",
            "Age of the oldest key, in steps. The key encoder must change little in this time, so its " +
            "momentum is high.",
            f => f.QueueAge),
        new(
            "repeatedImages",
            "Mean number of negatives that are keys of the query's own image; expected 0. At 1 or more, an " +
            "image is pushed away from its own copy.",
            f => f.RepeatedImages),
        new(
            "positiveSimilarity",
            "Mean cosine of a query and its own key. It rises as the encoder learns what two views share.",
            f => f.PositiveSimilarity),
        new(
            "hardestNegative",
            "Mean cosine of a query and the most similar key of the queue. Near the positive similarity, the " +
            "task is hard; if both are near 1, the encoder has collapsed.",
            f => f.HardestNegative),
        new(
            "negativesThatCount",
            "Number of negatives that share the weight of the loss (exponential of the entropy of their " +
            "softmax). If it is low, the temperature is too low.",
            f => f.EffectiveNegatives),
        new(
            "lossIfUninformed",
            "ln(1 + K): the loss of features that hold no information.",
            f => f.ChanceLoss),
        new(
            "lossIfRandom",
            "The loss at this positive similarity if the negatives had random directions. Training starts at " +
            "this loss.",
            f => f.LossIfRandom),
        new(
            "featureDeviation",
            "Spread of the query embeddings on the sphere (root of the summed variances). 1 is uniform, 0 is " +
            "a single point.",
            f => f.FeatureDeviation),
        new(
            "effectiveRank",
            "Number of directions that the query embeddings use (exponential of the entropy of the normalized " +
            "eigenvalues of their covariance; Roy and Vetterli 2007). 1 is a line.",
            f => f.EffectiveRank),
        new(
            "gradientNorm",
            "Norm of the gradient of all learned parameters, before weight decay. Sudden growth precedes " +
            "divergence.",
            f => f.GradientNorm),
        new(
            "updateRatio",
            "Norm of the update relative to the norm of the weights. About 0.001 is usual; above 0.1, steps " +
            "are too large.",
            f => f.UpdateRatio),
        new(
            "contrastShuffled",
            "Contrast accuracy of one batch with shuffled keys, which share no BatchNorm statistics with " +
            "their queries.",
            f => f.ContrastShuffled),
        new(
            "contrastUnshuffled",
            "Contrast accuracy of the same batch without the shuffle. If it is far higher, BatchNorm leaks " +
            "the answer.",
            f => f.ContrastUnshuffled),
        new(
            "keyShift",
            "1 minus the cosine of a key with and without the shuffle. 0 means that the shuffle has no " +
            "effect.",
            f => f.KeyShift),
    ];
}
