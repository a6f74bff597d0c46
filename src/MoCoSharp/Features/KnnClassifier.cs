using MoCoSharp.Distributed;
using TorchSharp;
using static TorchSharp.torch;

namespace MoCoSharp.Features;

/// <summary>
/// Predicts labels from the nearest neighbors in a labeled bank, weighted by exp(similarity / temperature).
/// </summary>
/// <remarks>
/// Wu et al. 2018, <see href="https://arxiv.org/abs/1805.01978"/>, section 3.4: weights are summed by class. On a GPU,
/// of equal similarities at the k-th place any may count; on a CPU the earlier image counts.
/// </remarks>
internal static class KnnClassifier
{
    /// <summary>Predicts the class of each query.</summary>
    /// <param name="bank">L2-normalized. Shape [M, D].</param>
    /// <param name="bankLabels">Length M, 0 to classes - 1.</param>
    /// <param name="queries">L2-normalized. Shape [Q, D].</param>
    /// <param name="classes">Number of classes, above 0.</param>
    /// <param name="neighbors">k, 1 to M.</param>
    /// <param name="temperature">Temperature of the weights, above 0; 0.1 in the demo, 0.07 in the paper.</param>
    /// <param name="device">Where similarities are computed; null is the CPU.</param>
    /// <returns>Length Q.</returns>
    /// <exception cref="ArgumentException">k is larger than the bank, or shapes or labels do not fit.</exception>
    /// <exception cref="InvalidDataException">A feature is not a finite number.</exception>
    public static int[] Predict(
        Tensor bank, ReadOnlySpan<int> bankLabels, Tensor queries, int classes, int neighbors, double temperature,
        Device? device = null)
    {
        ArgumentNullException.ThrowIfNull(bank);
        ArgumentNullException.ThrowIfNull(queries);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(classes);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(neighbors);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(temperature);
        if (
            bank.shape is not [var size, var width]
            || queries.shape is not [var count, var queryWidth]
            || width != queryWidth
            || size != bankLabels.Length)
        {
            throw new ArgumentException(
                $"Bank [{string.Join(", ", bank.shape)}] with {bankLabels.Length} labels and queries " +
                $"[{string.Join(", ", queries.shape)}] do not fit: "
                    + "expected [M, D] with M labels and [Q, D].");
        }

        if (neighbors > size)
        {
            throw new ArgumentException(
                $"{neighbors} neighbors in a bank of {size}: expected at most {size}. Lower k.",
                nameof(neighbors));
        }

        foreach (var label in bankLabels)
        {
            if (label < 0 || label >= classes)
            {
                throw new ArgumentException(
                    $"The bank has the label {label} with {classes} classes: expected 0 to {classes - 1}. Leave " +
                    "images without a label out.",
                    nameof(bankLabels));
            }
        }

        using var noGrad = no_grad();
        using var scope = NewDisposeScope();
        if (!bank.isfinite().all().item<bool>() || !queries.isfinite().all().item<bool>())
        {
            throw new InvalidDataException(
                "Some features are not finite numbers, so that no neighbors can be told. Has training diverged? " +
                "Take an earlier checkpoint.");
        }

        var predicted = new int[count];
        var labels = bankLabels.ToArray();
        NeighborSearch.Each(
            bank, queries, neighbors,
            (row, nearest) => predicted[row] = Vote(nearest, labels, classes, temperature), device);
        return predicted;
    }

    /// <summary>Predicts the same classes on several ranks that hold the same features and share the queries.</summary>
    /// <param name="group">The ranks.</param>
    /// <param name="bank">L2-normalized. Shape [M, D].</param>
    /// <param name="bankLabels">Length M, 0 to classes - 1.</param>
    /// <param name="queries">L2-normalized. Shape [Q, D].</param>
    /// <param name="classes">Number of classes, above 0.</param>
    /// <param name="neighbors">k, 1 to M.</param>
    /// <param name="temperature">Temperature of the weights, above 0.</param>
    /// <param name="device">Where similarities are computed; null is the CPU.</param>
    /// <returns>Length Q.</returns>
    public static int[] Predict(
        IProcessGroup group, Tensor bank, ReadOnlySpan<int> bankLabels, Tensor queries, int classes, int neighbors,
        double temperature, Device? device = null)
    {
        ArgumentNullException.ThrowIfNull(group);
        ArgumentNullException.ThrowIfNull(queries);
        if (group.Size == 1)
        {
            return Predict(bank, bankLabels, queries, classes, neighbors, temperature, device);
        }

        using var scope = NewDisposeScope();
        var count = (int)queries.shape[0];
        var share = Predict(
            bank,
            bankLabels,
            queries.slice(0, group.Rank, count, group.Size).contiguous(),
            classes,
            neighbors,
            temperature,
            device);
        Array.Resize(ref share, (count + group.Size - 1) / group.Size);
        return
        [
            .. BatchOrder
                .Gather(group, tensor(share, dtype: int64))
                .data<long>()
                .ToArray()
                .Take(count)
                .Select(label => (int)label),
        ];
    }

    /// <summary>
    /// Tells which queries get their label. Several ranks that hold the same features share the queries.
    /// </summary>
    /// <param name="name">What is classified, such as "raw pixels".</param>
    /// <param name="bank">L2-normalized features with labels.</param>
    /// <param name="queries">L2-normalized features with labels.</param>
    /// <param name="classes">Number of classes, above 0.</param>
    /// <param name="options">The number of neighbors, lowered to the size of the bank, and the temperature.</param>
    /// <param name="group">The ranks; null is this process alone.</param>
    /// <param name="device">Where similarities are computed; null is the CPU.</param>
    public static KnnScore Score(
        string name, FeatureSet bank, FeatureSet queries, int classes, KnnOptions options,
        IProcessGroup? group = null, Device? device = null)
    {
        ArgumentNullException.ThrowIfNull(bank);
        ArgumentNullException.ThrowIfNull(queries);
        ArgumentNullException.ThrowIfNull(options);
        using var scope = NewDisposeScope();
        var predicted = Predict(
            group ?? SingleProcess.Instance, bank.Values, bank.Labels, queries.Values, classes,
            Math.Min(options.Neighbors, bank.Labels.Length), options.Temperature, device);
        return new KnnScore(
            name, queries.Indices, [.. predicted.Zip(queries.Labels).Select(pair => pair.First == pair.Second)]);
    }

    private static int Vote(NearestKeys nearest, int[] labels, int classes, double temperature)
    {
        var votes = new double[classes];
        foreach (var (similarity, index) in nearest.Best())
        {
            // minus 1, the highest similarity: no overflow, and the same order
            votes[labels[index]] += Math.Exp((similarity - 1) / temperature);
        }

        return Array.IndexOf(votes, votes.Max());
    }
}
