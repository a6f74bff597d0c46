using MoCoSharp.Data.Views;

namespace MoCoSharp.Features;

/// <summary>Groups images with similar features, for people to look at: k-means clusters.</summary>
/// <remarks>The same features and seed give the same clusters, with any number of threads.</remarks>
public static class FeatureClusters
{
    /// <summary>Finds the clusters, the largest first.</summary>
    /// <param name="features">L2-normalize them to group by cosines.</param>
    /// <param name="count">1 to the number of images. Fewer come back if images are equal.</param>
    /// <param name="seed">Seed of the first centers.</param>
    /// <param name="cancellation">Ends the work early.</param>
    /// <returns>
    /// The rows of each cluster's images, the nearest to its center first. Each row is in one cluster.
    /// </returns>
    /// <exception cref="InvalidDataException">A feature is not a finite number.</exception>
    /// <exception cref="OperationCanceledException">The work was canceled.</exception>
    public static IReadOnlyList<IReadOnlyList<int>> Find(
        FeatureSet features, int count, long seed = 0, CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(features);
        var rows = HostFeatures.Of(features.Values);
        var assigned = KMeans.Cluster(rows, count, RandomStreams.Clusters(seed), cancellation);
        return
        [
            .. Enumerable.Range(0, rows.Count)
                .GroupBy(row => assigned[row])
                .OrderByDescending(cluster => cluster.Count()).ThenBy(cluster => cluster.First())
                .Select(cluster => FromCenter(rows, [.. cluster])),
        ];
    }

    private static IReadOnlyList<int> FromCenter(HostFeatures rows, List<int> members)
    {
        var sums = new double[rows.Width];
        foreach (var member in members)
        {
            var values = rows.Row(member);
            for (var i = 0; i < sums.Length; i++)
            {
                sums[i] += values[i];
            }
        }

        float[] center = [.. sums.Select(sum => (float)(sum / members.Count))];
        return [.. members.OrderBy(member => HostFeatures.SquaredDistance(rows.Row(member), center))]; // stable
    }
}
