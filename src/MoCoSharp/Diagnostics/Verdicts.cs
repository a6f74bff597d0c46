using System.Globalization;
using MoCoSharp.Optimization;
using MoCoSharp.Runs;

namespace MoCoSharp.Diagnostics;

/// <summary>What is wrong with a run, why that is thought, where it comes from and what mends it.</summary>
/// <param name="Id">Which one: "collapsed", "temperature", "queue", "shuffle", "learningRate" or "diverged".</param>
/// <param name="Step">The report that it rests on.</param>
/// <param name="Finding">What is wrong, in a sentence.</param>
/// <param name="Evidence">The figures that say so.</param>
/// <param name="Cause">Where it comes from.</param>
/// <param name="Cure">What to do.</param>
public sealed record Verdict(string Id, long Step, string Finding, string Evidence, string Cause, string Cure)
{
    /// <inheritdoc/>
    public override string ToString() => $"{Finding} {Evidence} {Cause} {Cure}";
}

/// <summary>
/// Judges a run by its figures: a pure function of metrics.jsonl and the configuration, the same while it trains and
/// afterwards.
/// </summary>
/// <remarks>
/// What rests on statistics waits until the queue has filled, and looks at medians of the latest five reports.
/// </remarks>
public static class Verdicts
{
    private const int Window = 5;
    private const int Fewest = 3; // reports that a median may rest on
    // of the queue, after which features that were drawn together at the start have parted again
    private const int Turnovers = 50;
    private const double StepsWithoutQueue = 20; // that stand for the turnover of a queue where there is none
    private const double OnePoint = 0.1; // deviation
    private const double Often = 0.45; // keys of the own image; a queue as long as the data gives 0.5

    /// <summary>All that is wrong now.</summary>
    /// <param name="config">The run's.</param>
    /// <param name="images">M, images in the data set.</param>
    /// <param name="lines">The reports with figures, oldest first.</param>
    public static IReadOnlyList<Verdict> Of(RunConfig config, int images, IReadOnlyList<HealthLine> lines)
    {
        ArgumentNullException.ThrowIfNull(config);
        ArgumentNullException.ThrowIfNull(lines);
        if (lines.Count == 0)
        {
            return [];
        }

        var full = lines.Where(line => line.Figures.QueueFill is null or >= 1).TakeLast(Window).ToList();
        Verdict?[] found =
        [
            Shuffle(config, lines),
            Queue(config, images, lines, full),
            LearningRate(config, lines, full),
            full.Count < Fewest ? null : Collapsed(config, full),
            full.Count < Fewest ? null : Temperature(config, full),
        ];
        return [.. found.OfType<Verdict>()];
    }

    // Not statistical: with groups, a shuffle that works moves every key.
    private static Verdict? Shuffle(RunConfig config, IReadOnlyList<HealthLine> lines)
    {
        // Rounding of a cosine: bf16 rounds sums of another order otherwise. Where all features are one, nothing can
        // move them.
        var (rounding, spread) = config.BnGroups == 1 ? (1e-3, 0) : (1e-6, OnePoint);
        return
            config.MoCo is { Shuffle: true }
            && lines.LastOrDefault(line => line.Figures.KeyShift is not null) is { } line
            && line.Figures.KeyShift < rounding && line.Figures.FeatureDeviation >= spread
            ? new(
                "shuffle", line.Step, "The shuffle has no effect.",
                Text($"Shuffled keys equal unshuffled ones (1 - cosine {line.Figures.KeyShift:G3})."),
                config.BnGroups == 1
                    ? "bnGroups is 1: a query and its key see the statistics of the same images."
                    : "The encoder's BatchNorm does not depend on its group.",
                "Set bnGroups to 8, as the paper's recipes, or moco.shuffle to false if the encoder needs no shuffle.")
            : null;
    }

    // Counted, not measured: more than one key of the own image in one batch is proof enough, also before the queue is
    // full.
    private static Verdict? Queue(RunConfig config, int images, IReadOnlyList<HealthLine> lines, List<HealthLine> full)
    {
        const double certain = 1;
        var now = lines[^1].Figures.RepeatedImages > certain ? lines[^1].Figures.RepeatedImages : null;
        return
            (now ?? (full.Count < Fewest ? null : Median(full, f => f.RepeatedImages))) is { } repeats
            && repeats > Often
            ? new(
                "queue", lines[^1].Step, "The queue is larger than the data.",
                Text($"A query meets {repeats:F1} keys of its own image among the negatives."),
                Text(
                    $"moco.queueSize {config.MoCo!.QueueSize} against {images} images: keys of {(repeats > 1.5 ? "earlier epochs" : "the last epoch")} are still there."
                ),
                Text($"Set moco.queueSize to {Math.Max(1, images / 2)} or less, or add images."))
            : null;
    }

    // What a step does to the weights needs no queue; what it does to the loss does.
    private static Verdict? LearningRate(RunConfig config, IReadOnlyList<HealthLine> lines, List<HealthLine> full)
    {
        const double thrown = 0.3, rewritten = 0.1, moved = 0.01; // of the weights' length, in one step
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
            if (
                !(
                    ratio > rewritten
                    || (
                        ratio > moved
                        && Median(full.Select(item => item.Loss)) > 1.5 * Median(full, f => f.LossIfUninformed))))
            {
                return null;
            }
        }

        return new(
            "learningRate", line.Step, "The learning rate is too high.",
            Text(
                $"A step moves the weights by {ratio:P1} of their length; loss {line.Loss:F2}, {line.Figures.LossIfUninformed:F2} where nothing is known."
            ),
            Text(
                $"optimizer.learningRate is {Optimization.LearningRate.Peak(config.Optimizer, config.BatchSize):G3} with batchSize {config.BatchSize}{(config.MoCo is null ? "" : FormattableString.Invariant($"; the official scale is {0.03 * config.BatchSize / 256:G3}"))}."
            ),
            "Lower optimizer.learningRate by ten, or add optimizer.warmupSteps.");
    }

    private static Verdict? Collapsed(RunConfig config, List<HealthLine> full)
    {
        const double oneLine = 1.2;
        var deviation = Median(full, f => f.FeatureDeviation);
        var rank = Median(full, f => f.EffectiveRank);
        var loss = Median(full.Select(line => line.Loss));
        var knowsNothing = loss / Median(full, f => f.LossIfUninformed) is > 0.99 and < 1.05;
        var isLate = full[^1].Step > Turnovers * (full[^1].Figures.QueueAge ?? StepsWithoutQueue);
        if (!((deviation < OnePoint && (knowsNothing || isLate)) || (rank < oneLine && isLate)))
        {
            return null;
        }

        var follows = config.MoCo is { Momentum: < 0.9 };
        return new(
            "collapsed", full[^1].Step, "The features have collapsed: all images get nearly the same.",
            Text($"Deviation {deviation:F3} (1 is all over the sphere), effective rank {rank:F2}{Negatives()}."),
            follows
                ? Text(
                    $"moco.momentum is {config.MoCo!.Momentum}: the key encoder does not lag, so the queue's keys are of other encoders, and a query is told from them by its age."
                )
                : "The images may be all alike, the learning rate too high, or the views so weak that nothing is " +
                    "asked of the encoder.",
            follows ? "Set moco.momentum to 0.99 or 0.999." : "Look at views.png; then lower optimizer.learningRate.");

        string Negatives() => Median(full, f => f.PositiveSimilarity) is { } positive
            ? Text(
                $", cosine with the own key {positive:F3}, with the hardest negative {Median(full, f => f.HardestNegative):F3}; loss {loss:F2}, {Median(full, f => f.LossIfUninformed):F2} where nothing is known"
            )
            : Text($"; loss {loss:F2}");
    }

    private static Verdict? Temperature(RunConfig config, List<HealthLine> full)
    {
        const double alone = 1.5; // of K
        return
            Median(full, f => f.NegativesThatCount) is { } counting
            && counting < alone
            && config.MoCo is { QueueSize: >= 8 }
            && !(Median(full, f => f.RepeatedImages) > Often) // keys of the own image take all the weight at any temperature
            ? new(
                "temperature", full[^1].Step, "The temperature is too low.",
                Text($"Of {config.MoCo!.QueueSize} negatives {counting:F2} carry the loss: each step answers one key."),
                Text(
                    $"moco.temperature is {config.MoCo!.Temperature}: differences of {config.MoCo!.Temperature:G2} in the cosine already decide."
                ),
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
