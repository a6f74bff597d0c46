using MoCoSharp.Models;
using TorchSharp;
using static TorchSharp.torch;

namespace MoCoSharp.Features;

/// <summary>
/// Counts how often a classifier is right on a labeled data set, in total and by class. Every image counts once, in any
/// batch.
/// </summary>
public sealed class ClassificationScores
{
    private long _inTopFive;
    private long _scored;

    /// <summary>Creates empty scores.</summary>
    /// <param name="classNames">Class names by label.</param>
    public ClassificationScores(IReadOnlyList<string> classNames)
    {
        ArgumentNullException.ThrowIfNull(classNames);
        ClassNames = classNames;
        Confusion = new long[classNames.Count, classNames.Count];
    }

    /// <summary>Class names by label.</summary>
    public IReadOnlyList<string> ClassNames { get; }

    /// <summary>Images by true class (row) and predicted class (column). Shape [classes, classes].</summary>
    public long[,] Confusion { get; }

    /// <summary>Number of labeled images counted.</summary>
    public long Count { get; private set; }

    /// <summary>Number of images whose class has the highest score.</summary>
    public long Right { get; private set; }

    /// <summary>Share of images whose class has the highest score, 0 to 1.</summary>
    public double Top1 => Share(Right, Count);

    /// <summary>
    /// Share of images whose class is among the five highest scores, 0 to 1; NaN if predictions were counted without
    /// scores.
    /// </summary>
    public double Top5 => _scored == Count ? Share(_inTopFive, Count) : double.NaN;

    /// <summary>Mean of <see cref="Top1"/> by class, over the classes that occur.</summary>
    public double MeanClassAccuracy =>
        Enumerable
            .Range(0, ClassNames.Count)
            .Where(label => Of(label) > 0)
            .Select(AccuracyOf)
            .DefaultIfEmpty(double.NaN)
            .Average();

    /// <summary>95 % confidence interval of <see cref="Top1"/>.</summary>
    /// <remarks>Wilson's score interval.</remarks>
    public (double Low, double High) Interval => WilsonInterval.Of(Right, Count);

    /// <summary>Number of images of a class.</summary>
    public long Of(int label) => Enumerable.Range(0, ClassNames.Count).Sum(predicted => Confusion[label, predicted]);

    /// <summary>Share of a class's images that are classified correctly, 0 to 1; NaN without images.</summary>
    public double AccuracyOf(int label) => Share(Confusion[label, label], Of(label));

    /// <summary>Counts a batch.</summary>
    /// <param name="scores">Scores of each class; equal scores rank by class id. Shape [N, classes].</param>
    /// <param name="labels">Length N; an image with label -1 is left out.</param>
    /// <exception cref="ArgumentException">Shapes or labels do not fit.</exception>
    /// <exception cref="InvalidDataException">A score is not a number.</exception>
    public void Add(Tensor scores, ReadOnlySpan<int> labels)
    {
        ArgumentNullException.ThrowIfNull(scores);
        if (scores.shape is not [var rows, var classes] || rows != labels.Length || classes != ClassNames.Count)
        {
            throw new ArgumentException(
                $"Scores [{string.Join(", ", scores.shape)}] with {labels.Length} labels do not fit: expected [N, " +
                $"{ClassNames.Count}] with N labels.",
                nameof(scores));
        }

        var values = HostMemory.Floats(scores);
        for (var i = 0; i < labels.Length; i++)
        {
            Add(values.AsSpan(i * (int)classes, (int)classes), labels[i]);
        }
    }

    /// <summary>Counts classes that were predicted without scores, as kNN does.</summary>
    /// <param name="predicted">Predicted classes, 0 to classes - 1. Length N.</param>
    /// <param name="labels">Length N; an image with label -1 is left out.</param>
    /// <exception cref="ArgumentException">The lengths differ.</exception>
    public void Add(ReadOnlySpan<int> predicted, ReadOnlySpan<int> labels)
    {
        if (predicted.Length != labels.Length)
        {
            throw new ArgumentException(
                $"{predicted.Length} predictions with {labels.Length} labels: expected as many.",
                nameof(predicted));
        }

        for (var i = 0; i < labels.Length; i++)
        {
            if (labels[i] >= 0)
            {
                Confusion[labels[i], predicted[i]]++;
                Count++;
                Right += predicted[i] == labels[i] ? 1 : 0;
            }
        }
    }

    private void Add(ReadOnlySpan<float> scores, int label)
    {
        if (label == -1)
        {
            return;
        }

        if (label < 0 || label >= scores.Length)
        {
            throw new ArgumentException(
                $"Label {label} with {scores.Length} classes: expected -1 (none) to {scores.Length - 1}.");
        }

        var (rank, best) = (0, 0);
        for (var c = 0; c < scores.Length; c++)
        {
            if (float.IsNaN(scores[c]))
            {
                throw new InvalidDataException(
                    $"The score of class {ClassNames[c]} is not a number. Did training diverge? Lower the learning " +
                    "rate.");
            }

            rank += scores[c] > scores[label] || (scores[c] == scores[label] && c < label) ? 1 : 0;
            best = scores[c] > scores[best] ? c : best;
        }

        Confusion[label, best]++;
        Count++;
        Right += rank == 0 ? 1 : 0;
        _inTopFive += rank < 5 ? 1 : 0;
        _scored++;
    }

    private static double Share(long part, long whole) => whole == 0 ? double.NaN : part / (double)whole;
}
