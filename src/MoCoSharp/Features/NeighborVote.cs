using TorchSharp;
using static TorchSharp.torch;

namespace MoCoSharp.Features;

/// <summary>The class that the nearest other images of an image vote for.</summary>
/// <param name="Row">The row of the image in its features.</param>
/// <param name="Label">Its own label.</param>
/// <param name="Predicted">The label with the largest weight.</param>
/// <param name="Confidence">The share of this label in all weights, above 0, at most 1.</param>
/// <param name="Voters">The neighbors, the most similar first: their rows, and their cosines.</param>
public sealed record NeighborVote(
    int Row, int Label, int Predicted, double Confidence, IReadOnlyList<(int Row, float Similarity)> Voters)
{
    /// <summary>Whether the vote is the label.</summary>
    public bool IsRight => Predicted == Label;

    /// <summary>
    /// Classifies each labeled image of a set by its nearest neighbors among the others, weighted by
    /// exp(cosine / temperature).
    /// </summary>
    /// <param name="features">
    /// L2-normalized, on the CPU. Images without a label neither vote nor are classified.
    /// </param>
    /// <param name="neighbors">Above 0. A smaller set takes all its other images.</param>
    /// <param name="temperature">Above 0.</param>
    /// <param name="progress">Receives the share of the work that is done, 0 to 1, on this thread.</param>
    /// <param name="cancellation">Ends the work early.</param>
    /// <returns>A vote for each labeled image, by row; empty if fewer than two have a label.</returns>
    /// <exception cref="OperationCanceledException">The work was canceled.</exception>
    public static IReadOnlyList<NeighborVote> Of(
        FeatureSet features, int neighbors, double temperature = 0.1, Action<double>? progress = null,
        CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(features);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(neighbors);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(temperature);
        int[] rows = [.. Enumerable.Range(0, features.Labels.Length).Where(row => features.Labels[row] >= 0)];
        if (rows.Length < 2)
        {
            return [];
        }

        using var noGrad = no_grad();
        using var scope = NewDisposeScope();
        var bank = rows.Length == features.Labels.Length
            ? features.Values
            : features.Values.index_select(0, tensor(Array.ConvertAll(rows, row => (long)row)));
        var votes = new NeighborVote[rows.Length];
        NeighborSearch.Each(
            bank, bank, Math.Min(neighbors, rows.Length - 1) + 1, Take, null, progress, cancellation);
        return votes;

        // An image is usually its own nearest neighbor, but not if others have equal features.
        void Take(int query, NearestKeys nearest) => votes[query] = Count(
            features.Labels, rows[query],
            [
                .. nearest.Best()
                    .Where(found => found.Index != query)
                    .Take(neighbors)
                    .Select(found => (rows[found.Index], found.Score)),
            ],
            temperature);
    }

    private static NeighborVote Count(
        int[] labels, int row, List<(int Row, float Similarity)> voters, double temperature)
    {
        var weights = new SortedDictionary<int, double>();
        foreach (var (voter, similarity) in voters)
        {
            // minus 1, the highest similarity: no overflow, and the same shares
            weights[labels[voter]] = weights.GetValueOrDefault(labels[voter])
                + Math.Exp((similarity - 1) / temperature);
        }

        var best = weights.MaxBy(item => item.Value);
        return new NeighborVote(row, labels[row], best.Key, best.Value / weights.Values.Sum(), voters);
    }
}
