namespace MoCoSharp.Diagnostics;

/// <summary>A health figure, and the sentence that explains it.</summary>
/// <param name="Name">In metrics.jsonl, below "health", and behind "health/" in TensorBoard.</param>
/// <param name="Meaning">What it is and which values are good, in a sentence.</param>
/// <param name="Value">Reads it.</param>
internal sealed record HealthFigure(string Name, string Meaning, Func<HealthFigures, double?> Value)
{
    /// <summary>
    /// All figures, in the order of reports. docs/reference/health.md has the same sentences.
    /// </summary>
    public static IReadOnlyList<HealthFigure> All { get; } =
    [
        new(
            "queueFill",
            "Share of the queue that holds keys of this run, the rest being the random ones of the start; the loss " +
            "rises until it is 1.",
            f => f.QueueFill),
        new(
            "queueAge",
            "Age of the oldest key in steps; the key encoder must move little in that time, which is what its " +
            "momentum is for.",
            f => f.QueueAge),
        new(
            "repeatedImages",
            "Keys of its own image that a query meets among the negatives, on average; expected 0; at 1 or more, an " +
            "image is pushed away from its own copy.",
            f => f.RepeatedImages),
        new(
            "positiveSimilarity",
            "Mean cosine of a query and its own key; it rises as the encoder learns what two views share.",
            f => f.PositiveSimilarity),
        new(
            "hardestNegative",
            "Mean cosine of a query and the most similar key of the queue; near the positive's it is a hard task, " +
            "near 1 with it a collapse.",
            f => f.HardestNegative),
        new(
            "negativesThatCount",
            "How many negatives share the weight of the loss (the exponential of their softmax's entropy); few is a " +
            "temperature that is too low.",
            f => f.EffectiveNegatives),
        new("lossIfUninformed", "ln(1 + K): the loss of features that know nothing.", f => f.ChanceLoss),
        new(
            "lossIfRandom",
            "The loss that this positive similarity would give if the negatives were random directions; the loss " +
            "starts there.",
            f => f.LossIfRandom),
        new(
            "featureDeviation",
            "Spread of the queries' embeddings over the sphere (root of the summed variances): 1 is all around, 0 " +
            "is one point.",
            f => f.FeatureDeviation),
        new(
            "effectiveRank",
            "Directions that the queries' embeddings really use (exponential of the entropy of their covariance's " +
            "normalized singular values; Roy and Vetterli 2007, RankMe 2023); 1 is a line.",
            f => f.EffectiveRank),
        new(
            "gradientNorm",
            "Length of the gradient of all learned parameters, before weight decay; sudden growth comes before a " +
            "divergence.",
            f => f.GradientNorm),
        new(
            "updateRatio",
            "Length of the update against that of the weights; about 0.001 is usual, above 0.1 the weights are " +
            "rewritten rather than learned.",
            f => f.UpdateRatio),
        new(
            "contrastShuffled",
            "Contrast accuracy on one batch whose keys are shuffled, so that they share no BatchNorm statistics " +
            "with their queries.",
            f => f.ContrastShuffled),
        new(
            "contrastUnshuffled",
            "The same batch with unshuffled keys; far above the shuffled one, BatchNorm gives the answer away.",
            f => f.ContrastUnshuffled),
        new(
            "keyShift",
            "How far the shuffle moves a key (1 minus their cosine); 0 is a shuffle without effect.",
            f => f.KeyShift),
    ];
}
