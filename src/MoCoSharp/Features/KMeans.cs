using MoCoSharp.Data.Views;

namespace MoCoSharp.Features;

/// <summary>k-means clusters of features, from a k-means++ start.</summary>
/// <remarks>
/// Arthur and Vassilvitskii 2007. Sums are in the order of the images, so the number of threads changes no bit.
/// </remarks>
internal static class KMeans
{
    private const int MostRounds = 25;

    /// <summary>Assigns each image to a cluster.</summary>
    /// <param name="rows">The features.</param>
    /// <param name="clusters">1 to M. Fewer come back as used if images are equal.</param>
    /// <param name="random">The stream that chooses the first centers.</param>
    /// <param name="cancellation">Ends the work early.</param>
    /// <returns>The cluster of each image, 0 to clusters - 1. Length M.</returns>
    public static int[] Cluster(
        HostFeatures rows, int clusters, SampleRandom random, CancellationToken cancellation = default)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(clusters);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(clusters, rows.Count);
        var centers = rows.Take(FirstCenters(rows, clusters, random));
        var assigned = new int[rows.Count];
        Array.Fill(assigned, -1);
        for (var round = 0; round < MostRounds; round++)
        {
            cancellation.ThrowIfCancellationRequested();
            if (!Assign(rows, centers, assigned))
            {
                break;
            }

            Move(rows, centers, assigned);
        }

        return assigned;
    }

    /// <summary>k-means++: each next center is drawn with probability proportional to its squared distance.</summary>
    private static List<int> FirstCenters(HostFeatures rows, int clusters, SampleRandom random)
    {
        var chosen = new List<int> { random.NextInt(rows.Count) };
        var distances = new CenterDistances(rows, rows.Count);
        while (chosen.Count < clusters)
        {
            distances.Add(rows.Row(chosen[^1]));
            chosen.Add(distances.Draw(ref random));
        }

        return chosen;
    }

    // Whether an image changed its cluster.
    private static bool Assign(HostFeatures rows, HostFeatures centers, int[] assigned)
    {
        var changes = 0;
        Parallel.For(0, rows.Count, row =>
        {
            var (best, nearest) = (0, float.PositiveInfinity);
            for (var center = 0; center < centers.Count; center++)
            {
                var distance = HostFeatures.SquaredDistance(rows.Row(row), centers.Row(center));
                if (distance < nearest)
                {
                    (best, nearest) = (center, distance);
                }
            }

            if (assigned[row] != best)
            {
                assigned[row] = best;
                Interlocked.Increment(ref changes);
            }
        });
        return changes > 0;
    }

    // To the mean of its images; a center without images stays.
    private static void Move(HostFeatures rows, HostFeatures centers, int[] assigned)
    {
        var sums = new double[centers.Count * rows.Width];
        var sizes = new int[centers.Count];
        for (var row = 0; row < rows.Count; row++)
        {
            sizes[assigned[row]]++;
            var sum = sums.AsSpan(assigned[row] * rows.Width, rows.Width);
            var values = rows.Row(row);
            for (var i = 0; i < sum.Length; i++)
            {
                sum[i] += values[i];
            }
        }

        for (var i = 0; i < sums.Length; i++)
        {
            if (sizes[i / rows.Width] is var size and > 0)
            {
                centers.Values[i] = (float)(sums[i] / size);
            }
        }
    }
}
