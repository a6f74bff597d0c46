using System.Globalization;
using MoCoSharp.Optimization;
using MoCoSharp.Runs;

namespace MoCoSharp.Diagnostics;

/// <summary>
/// Diagnoses a run from its health figures. The result depends only on metrics.jsonl and the configuration, so it is
/// the same during and after training.
/// </summary>
/// <remarks>
/// Rules that use statistics wait until the queue is full, and take medians of the latest five reports.
/// </remarks>
internal static class DiagnosisRules
{
    private const int Window = 5;
    private const int Fewest = 3; // reports for a median
    private const int Turnovers = 50; // of the queue; by then, the features of a healthy run have spread again
    private const double StepsWithoutQueue = 20; // count as one turnover if the method has no queue
    private const double OnePoint = 0.1; // deviation below which features count as one point
    private const double Often = 0.45; // keys of the query's image; a queue as long as the data gives 0.5

    /// <summary>Finds all problems at the latest report.</summary>
    /// <param name="config">The configuration of the run.</param>
    /// <param name="images">M, the number of images in the data set.</param>
    /// <param name="lines">The reports with figures, oldest first.</param>
    public static IReadOnlyList<Diagnosis> Apply(RunConfig config, int images, IReadOnlyList<HealthLine> lines)
    {
        ArgumentNullException.ThrowIfNull(config);
        ArgumentNullException.ThrowIfNull(lines);
        if (lines.Count == 0)
        {
            return [];
        }

        var full = lines.Where(line => line.Figures.QueueFill is null or >= 1).TakeLast(Window).ToList();
        Diagnosis?[] found =
        [
            Shuffle(config, lines),
            Queue(config, images, lines, full),
            LearningRate(config, lines, full),
            full.Count < Fewest ? null : Collapsed(config, full),
            full.Count < Fewest ? null : Temperature(config, full),
        ];
        return [.. found.OfType<Diagnosis>()];
    }

    // Needs no statistics: with several BatchNorm groups, a working shuffle changes every key.
    private static Diagnosis? Shuffle(RunConfig config, IReadOnlyList<HealthLine> lines)
    {
        // The tolerance covers the rounding of the cosine: in bf16, another order of summation rounds differently.
        // Features that are all equal are excluded, because a shuffle cannot change them.
        var (rounding, spread) = config.BnGroups == 1 ? (1e-3, 0) : (1e-6, OnePoint);
        return
            config.MoCo is { Shuffle: true }
            && lines.LastOrDefault(line => line.Figures.KeyShift is not null) is { } line
            && line.Figures.KeyShift < rounding && line.Figures.FeatureDeviation >= spread
            ? new(
                "shuffle", line.Step, "The shuffle has no effect.",
                Text($"Shuffled keys equal unshuffled ones (1 - cosine {line.Figures.KeyShift:G3})."),
                config.BnGroups == 1
                    ? "bnGroups is 1: a query and its key share the BatchNorm statistics of the same images."
                    : "The encoder's BatchNorm does not depend on its group.",
                "Set bnGroups to 8, as in the paper, or set moco.shuffle to false if the encoder needs no shuffle.")
            : null;
    }

    // The figure is a count, not an estimate. More than one key of the query's image proves the problem, even before
    // the queue is full.
    private static Diagnosis? Queue(
        RunConfig config, int images, IReadOnlyList<HealthLine> lines, List<HealthLine> full)
    {
        const double certain = 1;
        var now = lines[^1].Figures.RepeatedImages > certain ? lines[^1].Figures.RepeatedImages : null;
        return
            (now ?? (full.Count < Fewest ? null : Median(full, f => f.RepeatedImages))) is { } repeats
            && repeats > Often
            ? new(
                "queue", lines[^1].Step, "The queue is larger than the data.",
                Text($"On average, {repeats:F1} negatives of a query are keys of its own image."),
                Text($"moco.queueSize is {config.MoCo!.QueueSize} for {images} images: ") +
                $"the queue still holds keys of {(repeats > 1.5 ? "earlier epochs" : "the last epoch")}.",
                Text($"Set moco.queueSize to {Math.Max(1, images / 2)} or less, or add images."))
            : null;
    }

    // The update ratio needs no full queue; the loss does.
    private static Diagnosis? LearningRate(RunConfig config, IReadOnlyList<HealthLine> lines, List<HealthLine> full)
    {
        const double thrown = 0.3, rewritten = 0.1, moved = 0.01; // norm of a step relative to the norm of the weights
        var line = lines[^1];
        var ratio = line.Figures.UpdateRatio;
        if (!(ratio > thrown))
        {
            if (full.Count < Fewest)
            {
                return null;
            }

            line = full[^1];
            ratio = Median(full, f => f.UpdateRatio);
            var isAboveChance = Median(full.Select(item => item.Loss)) > 1.5 * Median(full, f => f.ChanceLoss);
            if (!(ratio > rewritten || (ratio > moved && isAboveChance)))
            {
                return null;
            }
        }

        var rate = Optimization.LearningRate.Peak(config.Optimizer, config.BatchSize);
        var official = config.MoCo is null ? "" : Text($"; the official scale is {0.03 * config.BatchSize / 256:G3}");
        return new(
            "learningRate", line.Step, "The learning rate is too high.",
            Text($"A step changes the weights by {ratio:P1} of their norm; the loss is {line.Loss:F2}") +
            (line.Figures.ChanceLoss is { } chance ? Text($" (chance: {chance:F2}).") : "."),
            Text($"optimizer.learningRate is {rate:G3} with batchSize {config.BatchSize}{official}."),
            "Divide optimizer.learningRate by 10, or add optimizer.warmupSteps.");
    }

    private static Diagnosis? Collapsed(RunConfig config, List<HealthLine> full)
    {
        const double oneLine = 1.2;
        var deviation = Median(full, f => f.FeatureDeviation);
        var rank = Median(full, f => f.EffectiveRank);
        var loss = Median(full.Select(line => line.Loss));
        var knowsNothing = loss / Median(full, f => f.ChanceLoss) is > 0.99 and < 1.05;
        var isLate = full[^1].Step > Turnovers * (full[^1].Figures.QueueAge ?? StepsWithoutQueue);
        if (!((deviation < OnePoint && (knowsNothing || isLate)) || (rank < oneLine && isLate)))
        {
            return null;
        }

        var follows = config.MoCo is { Momentum: < 0.9 };
        return new(
            "collapsed", full[^1].Step, "The features have collapsed: they are nearly the same for all images.",
            Text($"Deviation {deviation:F3} (1 is uniform on the sphere), effective rank {rank:F2}{Negatives()}."),
            follows
                ? Text($"moco.momentum is {config.MoCo!.Momentum}: the key encoder changes too fast, ") +
                    "so keys of different ages in the queue are not consistent with each other."
                : "Possible causes: nearly identical images, a learning rate that is too high, " +
                    "or augmentation that is too weak.",
            follows ? "Set moco.momentum to 0.99 or 0.999." : "Check views.png, then lower optimizer.learningRate.");

        string Negatives() => Median(full, f => f.PositiveSimilarity) is { } positive
            ? Text($", cosine with its own key {positive:F3}, ") +
                Text($"with the hardest negative {Median(full, f => f.HardestNegative):F3}; ") +
                Text($"loss {loss:F2} (chance: {Median(full, f => f.ChanceLoss):F2})")
            : Text($"; loss {loss:F2}");
    }

    private static Diagnosis? Temperature(RunConfig config, List<HealthLine> full)
    {
        const double alone = 1.5; // of K
        return
            Median(full, f => f.EffectiveNegatives) is { } counting
            && counting < alone
            && config.MoCo is { QueueSize: >= 8 }
            // keys of the query's image take all the weight at any temperature
            && !(Median(full, f => f.RepeatedImages) > Often)
            ? new(
                "temperature", full[^1].Step, "The temperature is too low.",
                Text($"Only {counting:F2} of {config.MoCo!.QueueSize} negatives influence the loss."),
                Text($"moco.temperature is {config.MoCo!.Temperature}: ") +
                Text($"cosine differences of {config.MoCo!.Temperature:G2} already dominate the softmax."),
                "Set moco.temperature to 0.2 (MoCo v2), 0.1 (small images) or 0.07 (v1).")
            : null;
    }

    private static double? Median(List<HealthLine> lines, Func<HealthFigures, double?> figure)
    {
        var values = lines.Select(line => figure(line.Figures)).OfType<double>().ToList();
        return values.Count == 0 ? null : Median(values);
    }

    private static double Median(IEnumerable<double> values)
    {
        var ordered = values.Order().ToList();
        return ordered[ordered.Count / 2];
    }

    private static string Text(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
}
