using MoCoSharp.Data.Views;

namespace MoCoSharp.Features;

/// <summary>
/// The most typical images: of each cluster, the one nearest to its neighbors. Clusters without labels come first.
/// </summary>
/// <remarks>
/// TypiClust: Hacohen, Dekel and Weinshall 2022, <see href="https://arxiv.org/abs/2202.02794"/>, with k-means. Two
/// differences: an image's neighbors are those in the whole set; and images are chosen in rounds of 10, 10, 20, 40, ...
/// with the clusters of the paper for that many labels, so that the first images are a choice of their own.
/// </remarks>
internal static class TypicalImages
{
    private const int Neighbors = 20;
    private const int FirstRound = 10;
    private const int MostClusters = 500;
    private const int SmallCluster = 5; // a smaller one comes last

    /// <summary>Chooses images. The score is the mean distance to the 20 nearest; lower is more typical.</summary>
    /// <param name="pool">The candidates and the labeled images.</param>
    /// <param name="count">1 to the number of candidates.</param>
    /// <param name="seed">Seed of the clusters.</param>
    /// <param name="cancellation">Ends the work early.</param>
    public static IReadOnlyList<SelectedImage> Choose(
        SelectionPool pool, int count, long seed, CancellationToken cancellation = default)
    {
        var rows = pool.Rows;
        if (rows.Count == 1)
        {
            return [new(0, double.NaN)];
        }

        var spread = MeanDistances(NeighborGraph.Of(rows, Math.Min(Neighbors, rows.Count - 1), cancellation));
        var isTaken = new bool[rows.Count];
        Array.Fill(isTaken, true, pool.Candidates, rows.Count - pool.Candidates);
        var chosen = new List<SelectedImage>();
        for (var round = 0; chosen.Count < count; round++)
        {
            var until = Math.Min(count, FirstRound << Math.Min(round, 20));
            var clusters = Math.Min(Math.Min(pool.Labels.Length + until, MostClusters), rows.Count);
            var cluster = KMeans.Cluster(rows, clusters, RandomStreams.Selection(seed, round), cancellation);
            var open = new OpenClusters(cluster, clusters, isTaken, spread);
            while (chosen.Count < until)
            {
                var row = open.Next();
                chosen.Add(new(row, spread[row]));
            }
        }

        return chosen;
    }

    private static double[] MeanDistances(NeighborGraph graph)
    {
        var means = new double[graph.Count];
        for (var row = 0; row < means.Length; row++)
        {
            foreach (var distance in graph.DistancesOf(row))
            {
                means[row] += (double)distance / graph.K;
            }
        }

        return means;
    }

    // The clusters of a round, with their images that are not taken, the most typical first.
    private sealed class OpenClusters
    {
        private readonly Queue<int>[] _images;
        private readonly int[] _sizes;
        private readonly int[] _labels;
        private readonly bool[] _isTaken;

        public OpenClusters(int[] cluster, int clusters, bool[] isTaken, double[] spread)
        {
            _isTaken = isTaken;
            _sizes = new int[clusters];
            _labels = new int[clusters];
            for (var row = 0; row < cluster.Length; row++)
            {
                _sizes[cluster[row]]++;
                _labels[cluster[row]] += isTaken[row] ? 1 : 0;
            }

            var images = Enumerable.Range(0, cluster.Length)
                .Where(row => !isTaken[row])
                .OrderBy(row => spread[row])
                .ToLookup(row => cluster[row]);
            _images = [.. Enumerable.Range(0, clusters).Select(id => new Queue<int>(images[id]))];
        }

        // From the cluster with the fewest labels; of these, from the largest.
        public int Next()
        {
            var from = Enumerable.Range(0, _images.Length)
                .Where(id => _images[id].Count > 0)
                .MinBy(id => (_sizes[id] < SmallCluster, _labels[id], -_sizes[id]));
            _labels[from]++;
            var row = _images[from].Dequeue();
            _isTaken[row] = true;
            return row;
        }
    }
}
