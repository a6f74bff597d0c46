using MoCoSharp.Distributed;
using TorchSharp;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace MoCoSharp.Features;

/// <summary>The result of a kNN classification.</summary>
/// <param name="Scores">The scores; kNN has no top-5.</param>
/// <param name="MissingClasses">
/// The classes of queries that have no image in the bank. These queries count as wrong.
/// </param>
internal sealed record KnnResult(ClassificationScores Scores, IReadOnlyList<string> MissingClasses);

/// <summary>The published kNN protocols.</summary>
internal static class KnnProtocol
{
    private static readonly (string Name, KnnOptions Options)[] Protocols =
    [
        ("demo", new KnnOptions { Neighbors = 200, Temperature = 0.1, Layer = FeatureLayer.Head }),
        ("instdisc", new KnnOptions { Neighbors = 200, Temperature = 0.07, Layer = FeatureLayer.Head }),
    ];

    /// <summary>The names of the protocols.</summary>
    public static IReadOnlyList<string> Names { get; } = [.. Protocols.Select(protocol => protocol.Name)];

    /// <summary>The settings of a protocol.</summary>
    /// <param name="name">
    /// "demo": MoCo's CIFAR demo, k 200, T 0.1; "instdisc": Wu et al. 2018,
    /// <see href="https://arxiv.org/abs/1805.01978"/>, k 200, T 0.07. Both on the head's output.
    /// </param>
    /// <exception cref="ArgumentException">There is no such protocol.</exception>
    public static KnnOptions Named(string name) => Protocols.FirstOrDefault(protocol => protocol.Name == name).Options
        ?? throw new ArgumentException(
            $"{name}: no kNN protocol of that name, expected {string.Join(" or ", Names)}.",
            nameof(name));

    /// <summary>The protocol in a phrase.</summary>
    public static string Describe(string name, KnnOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        return FormattableString.Invariant($"kNN, {name}: k {options.Neighbors}, T {options.Temperature}, ") +
            "cosine, weights exp(s/T) summed by class, " +
            (options.Layer == FeatureLayer.Head ? "head output" : "pooled features");
    }

    /// <summary>Classifies queries by their features. Images without a label are left out.</summary>
    /// <param name="bank">The features of the bank, not normalized.</param>
    /// <param name="queries">The features of the queries, from the same encoder.</param>
    /// <param name="classNames">The name of each label.</param>
    /// <param name="options">The number of neighbors and the temperature.</param>
    /// <param name="group">
    /// The ranks that share the queries, all with the same features; null is this process alone.
    /// </param>
    /// <param name="device">Where similarities are computed; null is the CPU.</param>
    /// <exception cref="ArgumentException">k is larger than the labelled bank.</exception>
    /// <exception cref="InvalidDataException">A feature is not a finite number.</exception>
    public static KnnResult Judge(
        FeatureSet bank, FeatureSet queries, IReadOnlyList<string> classNames, KnnOptions options,
        IProcessGroup? group = null, Device? device = null)
    {
        ArgumentNullException.ThrowIfNull(bank);
        ArgumentNullException.ThrowIfNull(queries);
        ArgumentNullException.ThrowIfNull(options);
        using var scope = NewDisposeScope();
        var scores = new ClassificationScores(classNames);
        var known = Labelled(bank);
        var asked = Labelled(queries);
        scores.Add(
            KnnClassifier.Predict(
                group ?? SingleProcess.Instance, known.Values, known.Labels, asked.Values, classNames.Count,
                options.Neighbors, options.Temperature, device),
            asked.Labels);
        return new KnnResult(scores, [.. asked.Labels.Except(known.Labels).Order().Select(label => classNames[label])]);
    }

    private static (Tensor Values, int[] Labels) Labelled(FeatureSet set)
    {
        long[] rows =
        [
            .. Enumerable.Range(0, set.Labels.Length).Where(row => set.Labels[row] >= 0).Select(row => (long)row),
        ];
        return (
            functional.normalize(set.Values.index_select(0, tensor(rows)), dim: 1),
            [.. rows.Select(row => set.Labels[row])]);
    }
}
