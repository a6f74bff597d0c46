using MoCoSharp.Data.Quality;
using TorchSharp;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace MoCoSharp.Features;

/// <summary>Pairs of similar images within a set.</summary>
/// <param name="Count">Number of all pairs whose similarity reaches the threshold.</param>
/// <param name="Strongest">
/// The pairs that connect the groups, the most similar first: a maximum spanning forest. A group of n images has n - 1.
/// </param>
public sealed record SimilarPairs(long Count, IReadOnlyList<SimilarPair> Strongest);

/// <summary>Finds images whose features are almost the same. Every pair is compared.</summary>
/// <param name="features">The features of a set, of any length; kept, and not disposed.</param>
/// <exception cref="InvalidDataException">A feature is not a finite number.</exception>
public sealed class NearDuplicates(FeatureSet features) : IDisposable
{
    private readonly FeatureSet _features = features;
    private readonly Tensor _unit = Unit(features);

    /// <summary>Finds pairs within the set.</summary>
    /// <param name="threshold">The lowest cosine, above 0, at most 1.</param>
    /// <param name="progress">Receives the number of images done, and of all.</param>
    /// <param name="cancellation">Ends the work early.</param>
    /// <returns>Pairs by index in the data set.</returns>
    /// <exception cref="OperationCanceledException">The work was canceled.</exception>
    public SimilarPairs Within(
        double threshold, Action<int, int>? progress = null, CancellationToken cancellation = default)
    {
        var pairs = new StrongestPairs((int)_unit.shape[0]);
        SimilarityJoin.Each(_unit, _unit, isSame: true, Checked(threshold), pairs.Add, progress, cancellation);
        return new SimilarPairs(
            pairs.Count,
            [.. pairs.Forest().Select(pair => new SimilarPair(
                _features.Indices[pair.First], _features.Indices[pair.Second], Math.Min(1, pair.Similarity)))]);
    }

    /// <summary>
    /// Finds pairs of images of this set and of another one: for each image of either set the most similar one of the
    /// other set, if it reaches the threshold.
    /// </summary>
    /// <param name="other">Features of the same encoder and layer.</param>
    /// <param name="threshold">The lowest cosine, above 0, at most 1.</param>
    /// <param name="progress">Receives the number of images done, and of all.</param>
    /// <param name="cancellation">Ends the work early.</param>
    /// <returns>Pairs by index in the data sets: this set first.</returns>
    /// <exception cref="ArgumentException">The features have another size.</exception>
    /// <exception cref="OperationCanceledException">The work was canceled.</exception>
    public IReadOnlyList<SimilarPair> Between(
        NearDuplicates other, double threshold, Action<int, int>? progress = null,
        CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(other);
        if (_unit.shape[1] != other._unit.shape[1])
        {
            throw new ArgumentException(
                $"Features of size {_unit.shape[1]} and {other._unit.shape[1]}: expected those of one encoder.",
                nameof(other));
        }

        var (ofThis, ofOther) = (new Dictionary<int, SimilarPair>(), new Dictionary<int, SimilarPair>());
        SimilarityJoin.Each(
            _unit, other._unit, isSame: false, Checked(threshold),
            pair =>
            {
                Keep(ofThis, pair.First, pair);
                Keep(ofOther, pair.Second, pair);
            },
            progress, cancellation);
        return
        [
            .. ofThis.Values.Concat(ofOther.Values).Distinct().OrderByDescending(pair => pair.Similarity)
                .Select(pair => new SimilarPair(
                    _features.Indices[pair.First], other._features.Indices[pair.Second],
                    Math.Min(1, pair.Similarity))),
        ];
    }

    /// <summary>The cosine of the features of two images, -1 to 1; 0 if an image has no features.</summary>
    /// <param name="index">Index of an image in the data set.</param>
    /// <param name="otherIndex">Index of the other image.</param>
    public double Similarity(int index, int otherIndex)
    {
        var (row, otherRow) = (RowOf(index), RowOf(otherIndex));
        if (row < 0 || otherRow < 0)
        {
            return 0;
        }

        using var scope = NewDisposeScope();
        return Math.Clamp(_unit[row].dot(_unit[otherRow]).item<float>(), -1, 1);
    }

    /// <inheritdoc/>
    public void Dispose() => _unit.Dispose();

    private static void Keep(Dictionary<int, SimilarPair> best, int image, SimilarPair pair)
    {
        if (!best.TryGetValue(image, out var known) || pair.Similarity > known.Similarity)
        {
            best[image] = pair;
        }
    }

    // Features are in the order of the data set.
    private int RowOf(int index) => Array.BinarySearch(_features.Indices, index);

    private static float Checked(double threshold) => threshold is > 0 and <= 1
        ? (float)threshold
        : throw new ArgumentOutOfRangeException(
            nameof(threshold), threshold, "The threshold is a cosine: expected above 0, at most 1.");

    private static Tensor Unit(FeatureSet features)
    {
        ArgumentNullException.ThrowIfNull(features);
        using var noGrad = no_grad();
        using var scope = NewDisposeScope();
        var values = features.Values.cpu().to(float32);
        if (!values.isfinite().all().item<bool>())
        {
            throw new InvalidDataException(
                "Some features are not finite numbers, so that they cannot be compared. Has training diverged? " +
                "Take an earlier checkpoint.");
        }

        return functional.normalize(values, dim: 1).contiguous().DetachFromDisposeScope();
    }
}
