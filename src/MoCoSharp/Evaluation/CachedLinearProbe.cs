using MoCoSharp.Data.Loading;
using MoCoSharp.Features;
using TorchSharp;
using static MoCoSharp.Kernels.Scalars;
using static TorchSharp.torch;

namespace MoCoSharp.Evaluation;

/// <summary>
/// The accuracy of one learning rate, or of one C of the logistic regression, on held-out training images.
/// </summary>
/// <param name="Value">The learning rate, or C.</param>
/// <param name="HeldOut">Top-1 on the held-out images, 0 to 1; NaN if training diverged.</param>
internal readonly record struct ScanPoint(double Value, double HeldOut);

/// <summary>The result of linear classification on cached features.</summary>
/// <param name="Rates">The scan over learning rates.</param>
/// <param name="Scores">The scores of the classifier trained on all images at the best learning rate.</param>
/// <param name="Strengths">The scan over C.</param>
/// <param name="Optimum">The scores of the logistic regression at the best C: a reference.</param>
/// <param name="OptimumConverged">Whether L-BFGS reached its tolerance.</param>
internal sealed record CachedLinearResult(
    IReadOnlyList<ScanPoint> Rates, ClassificationScores Scores, IReadOnlyList<ScanPoint> Strengths,
    ClassificationScores Optimum, bool OptimumConverged)
{
    /// <summary>The learning rate with the best held-out top-1; the lowest if several are equal.</summary>
    public double Rate => CachedLinearProbe.Best(Rates);

    /// <summary>The C with the best held-out top-1; the lowest if several are equal.</summary>
    public double Strength => CachedLinearProbe.Best(Strengths);
}

/// <summary>
/// Linear classification on features that are computed once in the evaluation view, without augmentation. The optimizer
/// and the milestones are those of the official protocol; the rest is not. Learning rate and C are chosen on a tenth of
/// the training images, never on the test images.
/// </summary>
/// <param name="options">The protocol. The scan replaces its learning rate.</param>
internal sealed class CachedLinearProbe(LinearOptions options)
{
    private const int HeldOutOneIn = 10;
    private const int ProgressEvery = 20; // epochs

    /// <summary>The learning rates of the scan.</summary>
    public static IReadOnlyList<double> LearningRates { get; } = [0.1, 0.3, 1, 3, 10, 30, 100];

    /// <summary>The values of C of the scan.</summary>
    public static IReadOnlyList<double> Strengths { get; } = [0.01, 0.1, 1, 10];

    /// <summary>The protocol, in a phrase.</summary>
    public string Protocol { get; } =
        "linear on cached features, not the official protocol: no augmentation; " +
        FormattableString.Invariant($"SGD momentum {options.Momentum} weight decay {options.WeightDecay}, ") +
        $"lr scanned on a tenth of the training images, x0.1 at {string.Join(" and ", options.Milestones)} " +
        FormattableString.Invariant($"of {options.Epochs} epochs, batch {options.BatchSize}, seed {options.Seed}");

    /// <summary>Called with one sentence about each step of the work.</summary>
    public Action<string>? Progress { get; init; }

    /// <summary>
    /// Called with the classifier of the best learning rate: weight [classes, D] and bias [classes]. They are valid
    /// only during the call.
    /// </summary>
    public Action<Tensor, Tensor>? Trained { get; set; }

    /// <summary>The maximum number of L-BFGS iterations. The result says whether they were enough.</summary>
    /// <value>1000 by default.</value>
    public int OptimumIterations { get; init; } = 1000;

    /// <summary>Trains on the training features, and scores on the test features.</summary>
    /// <param name="train">Features of at least twenty images, not normalized, on the CPU.</param>
    /// <param name="validation">Features of the test images, from the same encoder.</param>
    /// <param name="classNames">The name of each label.</param>
    /// <param name="cancellation">Ends the work early.</param>
    /// <exception cref="InvalidDataException">There are too few images, or no scores are finite.</exception>
    /// <exception cref="OperationCanceledException">The work was canceled.</exception>
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
                $"Found {order.Length} labeled training images, expected {2 * HeldOutOneIn} or more: " +
                "the learning rate is chosen on a tenth of them.");
        }

        var heldOut = Rows(train, order[..(order.Length / HeldOutOneIn)]);
        var rest = Rows(train, order[(order.Length / HeldOutOneIn)..]);
        var all = Rows(train, order);
        var judged = (validation.Values, validation.Labels);

        var rates = ScanRates(rest, heldOut, classNames, cancellation);
        Progress?.Invoke(FormattableString.Invariant($"training on all images, at learning rate {Best(rates)}"));
        var scores =
            TrainSgd(
                all, judged, classNames, options with { LearningRate = Best(rates) }, Trained, cancellation)
            ?? throw new InvalidDataException(
                "The scores are not finite at any learning rate of the scan. Are the features finite?");
        var strengths = Strengths.Select(ScanStrength).ToList();
        var (optimum, converged) = Optimum(all, judged, Best(strengths));
        return new CachedLinearResult(rates, scores, strengths, optimum, converged);

        ScanPoint ScanStrength(double c)
        {
            Progress?.Invoke(FormattableString.Invariant($"trying C {c}"));
            return new ScanPoint(c, Optimum(rest, heldOut, c).Scores.Top1);
        }

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

    private List<ScanPoint> ScanRates(
        (Tensor Values, int[] Labels) learned, (Tensor Values, int[] Labels) asked, IReadOnlyList<string> classNames,
        CancellationToken cancellation)
    {
        using var scope = NewDisposeScope();
        var classifiers = LinearScan.Train(
            learned.Values, learned.Labels, classNames.Count, LearningRates, options, ShowEpoch, cancellation);
        return [.. LearningRates.Zip(classifiers, (rate, found) => new ScanPoint(rate, Judge(found)))];

        double Judge((Tensor Weight, Tensor Bias) found)
        {
            var scored = asked.Values.mm(found.Weight.t()).add_(found.Bias, One);
            if (!scored.isfinite().all().item<bool>())
            {
                return double.NaN;
            }

            var scores = new ClassificationScores(classNames);
            scores.Add(scored, asked.Labels);
            return scores.Top1;
        }

        void ShowEpoch(int done)
        {
            if (done % ProgressEvery == 0 || done == options.Epochs)
            {
                Progress?.Invoke(FormattableString.Invariant(
                    $"trying the learning rates {string.Join(", ", LearningRates)} at once: epoch {done} of ") +
                    $"{options.Epochs}");
            }
        }
    }

    // Null if training diverged.
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
