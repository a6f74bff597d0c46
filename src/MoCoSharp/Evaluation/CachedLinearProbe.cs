using MoCoSharp.Data.Loading;
using MoCoSharp.Features;
using TorchSharp;
using static MoCoSharp.Kernels.Scalars;
using static TorchSharp.torch;

namespace MoCoSharp.Evaluation;

/// <summary>
/// What one learning rate, or one C of the logistic regression, led to on the images held out of training.
/// </summary>
/// <param name="Value">The learning rate, or C.</param>
/// <param name="HeldOut">Top-1 on the held-out images, 0 to 1; not a number where training diverged.</param>
internal readonly record struct ScanPoint(double Value, double HeldOut);

/// <summary>What the fast linear evaluation found.</summary>
/// <param name="Rates">The scan over learning rates.</param>
/// <param name="Scores">Of the classifier trained on everything at the best rate.</param>
/// <param name="Strengths">The scan over C.</param>
/// <param name="Optimum">Of the logistic regression at the best C: an upper check.</param>
/// <param name="OptimumConverged">Whether L-BFGS reached its tolerance.</param>
internal sealed record CachedLinearResult(
    IReadOnlyList<ScanPoint> Rates, ClassificationScores Scores, IReadOnlyList<ScanPoint> Strengths,
    ClassificationScores Optimum, bool OptimumConverged)
{
    /// <summary>The learning rate that was best on the held-out images, the lowest of equals.</summary>
    public double Rate => CachedLinearProbe.Best(Rates);

    /// <summary>The C that was best on the held-out images, the lowest of equals.</summary>
    public double Strength => CachedLinearProbe.Best(Strengths);
}

/// <summary>
/// A fast linear evaluation, not the official one: features are computed once in the evaluation view and no
/// augmentation takes place. The same optimizer and milestones; learning rate and C are chosen on a tenth of the
/// training images, never on those to judge by.
/// </summary>
/// <param name="options">The protocol; its learning rate is replaced by the scan's.</param>
internal sealed class CachedLinearProbe(LinearOptions options)
{
    private const int HeldOutOneIn = 10;

    /// <summary>The learning rates that are tried.</summary>
    public static IReadOnlyList<double> LearningRates { get; } = [0.1, 0.3, 1, 3, 10, 30, 100];

    /// <summary>The values of C that are tried.</summary>
    public static IReadOnlyList<double> Strengths { get; } = [0.01, 0.1, 1, 10];

    /// <summary>The protocol, in a phrase.</summary>
    public string Protocol { get; } = FormattableString.Invariant(
        $"linear on cached features, not the official protocol: no augmentation; SGD momentum {options.Momentum} weight decay {options.WeightDecay}, "
    )
    + FormattableString.Invariant(
        $"lr scanned on a tenth of the training images, x0.1 at {string.Join(" and ", options.Milestones)} of {options.Epochs} epochs, batch {options.BatchSize}, seed {options.Seed}"
    );

    /// <summary>Told what is being done.</summary>
    public Action<string>? Progress { get; init; }

    /// <summary>
    /// Given the classifier of the best learning rate, weight [classes, D] and bias [classes]; they are good until it
    /// returns.
    /// </summary>
    public Action<Tensor, Tensor>? Trained { get; set; }

    /// <summary>
    /// L-BFGS goes on for so many iterations at most; where that is too few, the result says that it has not converged.
    /// </summary>
    /// <value>1000 by default.</value>
    public int OptimumIterations { get; init; } = 1000;

    /// <summary>Trains and judges.</summary>
    /// <param name="train">Not normalised; on the CPU. At least twenty images.</param>
    /// <param name="validation">From the same encoder.</param>
    /// <param name="classNames">By label.</param>
    /// <param name="cancellation">Ends the work early.</param>
    /// <exception cref="InvalidDataException">No learning rate leads anywhere, or there are too few images.</exception>
    /// <exception cref="OperationCanceledException">It was cancelled.</exception>
    public CachedLinearResult Run(
        FeatureSet train, FeatureSet validation, IReadOnlyList<string> classNames, CancellationToken cancellation)
    {
        ArgumentNullException.ThrowIfNull(train);
        ArgumentNullException.ThrowIfNull(validation);
        ArgumentNullException.ThrowIfNull(classNames);
        using var scope = NewDisposeScope();
        int[] order =
        [
            .. EpochOrder
                .Shuffled(train.Labels.Length, options.Seed, epoch: int.MaxValue)
                .Where(row => train.Labels[row] >= 0),
        ];
        if (order.Length < 2 * HeldOutOneIn)
        {
            throw new InvalidDataException(
                $"{order.Length} labelled training images: a learning rate cannot be chosen on fewer than " +
                $"{2 * HeldOutOneIn}.");
        }

        var heldOut = Rows(train, order[..(order.Length / HeldOutOneIn)]);
        var rest = Rows(train, order[(order.Length / HeldOutOneIn)..]);
        var all = Rows(train, order);
        var judged = (validation.Values, validation.Labels);

        var rates = Scan("learning rate", LearningRates, value => Sgd(rest, heldOut, value));
        var scores =
            Sgd(all, judged, Best(rates), Trained)
            ?? throw new InvalidDataException(
                "No learning rate of the scan led to finite scores: are the features finite?");
        var strengths = Scan("C", Strengths, value => Optimum(rest, heldOut, value).Scores);
        var (optimum, converged) = Optimum(all, judged, Best(strengths));
        return new CachedLinearResult(rates, scores, strengths, optimum, converged);

        List<ScanPoint> Scan(string what, IReadOnlyList<double> values, Func<double, ClassificationScores?> train) =>
            [
                .. values.Select(value =>
        {
            Progress?.Invoke(FormattableString.Invariant($"trying {what} {value}"));
            return new ScanPoint(value, train(value)?.Top1 ?? double.NaN);
        })];

        ClassificationScores? Sgd(
            (Tensor Values, int[] Labels) learned, (Tensor Values, int[] Labels) asked, double rate,
            Action<Tensor, Tensor>? trained = null
        ) => TrainSgd(learned, asked, classNames, options with { LearningRate = rate }, trained, cancellation);

        (ClassificationScores Scores, bool Converged) Optimum(
            (Tensor Values, int[] Labels) learned,
            (Tensor Values, int[] Labels) asked,
            double c)
        {
            using var inner = NewDisposeScope();
            var (weight, bias, converged) = LogisticRegression.Fit(
                learned.Values, tensor(learned.Labels, dtype: int64), classNames.Count, c, OptimumIterations,
                cancellation: cancellation);
            var found = new ClassificationScores(classNames);
            found.Add(asked.Values.to(float64).mm(weight.t()).add_(bias, One), asked.Labels);
            return (found, converged);
        }
    }

    internal static double Best(IReadOnlyList<ScanPoint> scan) =>
        scan.MaxBy(point => double.IsNaN(point.HeldOut) ? -1 : point.HeldOut).Value;

    // Null where training diverged.
    private static ClassificationScores? TrainSgd(
        (Tensor Values, int[] Labels) learned, (Tensor Values, int[] Labels) asked, IReadOnlyList<string> classNames,
        LinearOptions options,
        Action<Tensor, Tensor>? trained, CancellationToken cancellation)
    {
        using var scope = NewDisposeScope();
        using var classifier = new LinearClassifier((int)learned.Values.shape[1], classNames.Count, options, CPU);
        var labels = tensor(learned.Labels, dtype: int64);
        for (var epoch = 0; epoch < options.Epochs; epoch++)
        {
            using var passing = NewDisposeScope();
            var order = tensor(EpochOrder.Shuffled(learned.Labels.Length, options.Seed, epoch), dtype: int64);
            foreach (var rows in order.split(options.BatchSize))
            {
                cancellation.ThrowIfCancellationRequested();
                using var step = NewDisposeScope();
                classifier.Step(
                    learned.Values.index_select(0, rows),
                    labels.index_select(0, rows),
                    options.LearningRateAt(epoch));
            }
        }

        var scored = classifier.Scores(asked.Values);
        if (!scored.isfinite().all().item<bool>())
        {
            return null;
        }

        trained?.Invoke(classifier.Weight, classifier.Bias);
        var scores = new ClassificationScores(classNames);
        scores.Add(scored, asked.Labels);
        return scores;
    }

    private static (Tensor Values, int[] Labels) Rows(FeatureSet set, int[] rows) =>
        (set.Values.index_select(0, tensor(rows, dtype: int64)), [.. rows.Select(row => set.Labels[row])]);
}
