using System.Globalization;
using MoCoSharp.Optimization;
using MoCoSharp.Runs;

namespace MoCoSharp.Diagnostics;

/// <summary>
/// Diagnoses a run by its figures: a pure function of metrics.jsonl and the configuration, the same while the run
/// trains and afterwards.
/// </summary>
/// <remarks>
/// Rules that rest on statistics wait until the queue is full, and use medians of the latest five reports.
/// </remarks>
internal static class DiagnosisRules
{
    private const int Window = 5;
    private const int Fewest = 3; // reports for a median
    private const int Turnovers = 50; // of the queue; by then, the features of a sound run have spread again
    private const double StepsWithoutQueue = 20; // stand for one turnover if the method has no queue
    private const double OnePoint = 0.1; // deviation below which features count as one point
    private const double Often = 0.45; // keys of the query's image; a queue as long as the data gives 0.5

    /// <summary>Everything that is wrong now.</summary>
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

    // No statistics: with several BatchNorm groups, a shuffle that works changes every key.
    private static Diagnosis? Shuffle(RunConfig config, IReadOnlyList<HealthLine> lines)
    {
        // The rounding of a cosine: in bf16, sums in another order round differently. If all features are equal,
        // nothing can change them.
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

    // Counted, not estimated: more than one key of the query's image is proof enough, even before the queue is full.
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
                Text($"A query meets {repeats:F1} keys of its own image among the negatives."),
                Text($"moco.queueSize {config.MoCo!.QueueSize} against {images} images: ") +
                $"keys of {(repeats > 1.5 ? "earlier epochs" : "the last epoch")} are still there.",
                Text($"Set moco.queueSize to {Math.Max(1, images / 2)} or less, or add images."))
            : null;
    }

    // The update ratio needs no full queue; the loss does.
    private static Diagnosis? LearningRate(RunConfig config, IReadOnlyList<HealthLine> lines, List<HealthLine> full)
    {
        const double thrown = 0.3, rewritten = 0.1, moved = 0.01; // share of the weights' length, in one step
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
            Text($"A step moves the weights by {ratio:P1} of their length; loss {line.Loss:F2}, ") +
            Text($"{line.Figures.ChanceLoss:F2} where nothing is known."),
            Text($"optimizer.learningRate is {rate:G3} with batchSize {config.BatchSize}{official}."),
            "Lower optimizer.learningRate by ten, or add optimizer.warmupSteps.");
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
            "collapsed", full[^1].Step, "The features have collapsed: all images get nearly the same.",
            Text($"Deviation {deviation:F3} (1 is all over the sphere), effective rank {rank:F2}{Negatives()}."),
            follows
                ? Text($"moco.momentum is {config.MoCo!.Momentum}: the key encoder changes too fast, ") +
                    "so the keys of the queue differ by their age, and a query differs from them by its age."
                : "The images may be all alike, the learning rate too high, " +
                    "or the views so weak that they ask nothing of the encoder.",
            follows ? "Set moco.momentum to 0.99 or 0.999." : "Look at views.png; then lower optimizer.learningRate.");

        string Negatives() => Median(full, f => f.PositiveSimilarity) is { } positive
            ? Text($", cosine with the own key {positive:F3}, ") +
                Text($"with the hardest negative {Median(full, f => f.HardestNegative):F3}; ") +
                Text($"loss {loss:F2}, {Median(full, f => f.ChanceLoss):F2} where nothing is known")
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
                Text($"Of {config.MoCo!.QueueSize} negatives {counting:F2} carry the loss: each step answers one key."),
                Text($"moco.temperature is {config.MoCo!.Temperature}: ") +
                Text($"differences of {config.MoCo!.Temperature:G2} in the cosine already decide."),
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
