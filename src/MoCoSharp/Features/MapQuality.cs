using static TorchSharp.torch;

namespace MoCoSharp.Features;

/// <summary>How well a map shows which images are neighbors.</summary>
/// <param name="Trustworthiness">
/// 1 if the neighbors on the map are neighbors by features too; lower, the farther they are there. A map by chance has
/// about 0.5.
/// </param>
/// <param name="Preservation">
/// The share of the k nearest images on the map that are among the k nearest by features.
/// </param>
/// <remarks>
/// Venna and Kaski 2001; the trustworthiness is that of scikit-learn:
/// 1 - 2 / (n k (2n - 3k - 1)) sum of (rank - k) over the neighbors on the map with a rank above k.
/// </remarks>
public readonly record struct MapQuality(double Trustworthiness, double Preservation)
{
    /// <summary>Measures a map. Takes time in proportion to M x M.</summary>
    /// <param name="features">Compared by Euclidean distance. Shape [M, D].</param>
    /// <param name="places">Shape [M, 2], row by row.</param>
    /// <param name="k">Neighbors, above 0 and below M / 2.</param>
    /// <param name="cancellation">Ends the work early.</param>
    /// <exception cref="ArgumentException">The features and the places differ in M.</exception>
    public static MapQuality Of(
        Tensor features, float[] places, int k = FeatureMap.DefaultNeighbors, CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(places);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(k);
        var rows = HostFeatures.Of(features);
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(2 * k, rows.Count, nameof(k));
        if (places.Length != 2 * rows.Count)
        {
            throw new ArgumentException(
                $"{places.Length} coordinates for {rows.Count} images: expected {2 * rows.Count}.", nameof(places));
        }

        return Of(rows, places, k, cancellation);
    }

    private static MapQuality Of(HostFeatures features, float[] places, int k, CancellationToken cancellation)
    {
        var map = NeighborGraph.Of(new HostFeatures(places, features.Count, 2), k, cancellation);
        var (excess, kept) = (new long[features.Count], new int[features.Count]);
        Parallel.For(0, features.Count, new ParallelOptions { CancellationToken = cancellation }, image =>
        {
            var distances = Distances(features, image);
            foreach (var neighbor in map.Of(image))
            {
                var rank = Rank(distances, image, neighbor);
                excess[image] += Math.Max(0, rank - k);
                kept[image] += rank <= k ? 1 : 0;
            }
        });
        double n = features.Count;
        return new(
            1 - (2 / (n * k * ((2 * n) - (3 * k) - 1)) * excess.Sum()),
            kept.Sum() / (n * k));
    }

    private static float[] Distances(HostFeatures features, int image)
    {
        var distances = new float[features.Count];
        for (var other = 0; other < distances.Length; other++)
        {
            distances[other] = HostFeatures.SquaredDistance(features.Row(image), features.Row(other));
        }

        return distances;
    }

    // 1 for the nearest other image; of equal distances, the earlier image is nearer.
    private static int Rank(float[] distances, int image, int neighbor)
    {
        var rank = 1;
        for (var other = 0; other < distances.Length; other++)
        {
            var isNearer = distances[other] < distances[neighbor]
                || (distances[other] == distances[neighbor] && other < neighbor);
            rank += isNearer && other != image ? 1 : 0;
        }

        return rank;
    }
}
