namespace MoCoSharp.Features;

/// <summary>
/// The graph that UMAP draws: pairs of neighbors, each with a weight. Each pair is there in both directions.
/// </summary>
/// <param name="Heads">One end of each edge. Length E.</param>
/// <param name="Tails">The other end. Length E.</param>
/// <param name="Weights">Above 0, at most 1. Length E.</param>
/// <remarks>Sections 3.1 and 4.2 of <see href="https://arxiv.org/abs/1802.03426"/>.</remarks>
internal sealed record FuzzyGraph(int[] Heads, int[] Tails, float[] Weights)
{
    private const int Halvings = 64;
    private const double SmallestShare = 1e-3; // of the mean distance: the narrowest width

    /// <summary>Weights the neighbors, and joins both directions of a pair: a + b - ab.</summary>
    public static FuzzyGraph Of(NeighborGraph graph)
    {
        ArgumentNullException.ThrowIfNull(graph);
        var directed = new double[graph.Count * graph.K];
        Parallel.For(0, graph.Count, image => Weigh(
            graph.DistancesOf(image), directed.AsSpan(image * graph.K, graph.K)));
        var (heads, tails, weights) = (new List<int>(), new List<int>(), new List<float>());
        for (var image = 0; image < graph.Count; image++)
        {
            for (var i = 0; i < graph.K; i++)
            {
                var other = graph.Of(image)[i];
                var back = graph.Of(other).IndexOf(image);
                var (there, reverse) = (
                    directed[(image * graph.K) + i],
                    back < 0 ? 0 : directed[(other * graph.K) + back]);
                var weight = (float)(there + reverse - (there * reverse));
                Add(image, other, weight);
                if (back < 0)
                {
                    Add(other, image, weight);
                }
            }
        }

        return new FuzzyGraph([.. heads], [.. tails], [.. weights]);

        void Add(int head, int tail, float weight)
        {
            if (weight > 0)
            {
                heads.Add(head);
                tails.Add(tail);
                weights.Add(weight);
            }
        }
    }

    /// <summary>
    /// The weights of an image's neighbors: 1 for the nearest, and a sum of log2 k.
    /// exp(-(distance - nearest) / width), with the width found by bisection.
    /// </summary>
    /// <param name="distances">Ascending. Length k.</param>
    /// <param name="weights">Receives the weights. Length k.</param>
    internal static void Weigh(ReadOnlySpan<float> distances, Span<double> weights)
    {
        double nearest = 0, mean = 0;
        foreach (var distance in distances)
        {
            nearest = nearest == 0 ? distance : nearest; // equal images do not count as the nearest
            mean += (double)distance / distances.Length;
        }

        var target = Math.Log2(distances.Length);
        var (low, high, width) = (0.0, double.PositiveInfinity, 1.0);
        for (var i = 0; i < Halvings; i++)
        {
            var sum = 0.0;
            foreach (var distance in distances)
            {
                sum += Weight(distance);
            }

            (low, high) = sum > target ? (low, width) : (width, high);
            width = double.IsInfinity(high) ? 2 * width : (low + high) / 2;
        }

        width = Math.Max(width, SmallestShare * mean);
        for (var i = 0; i < weights.Length; i++)
        {
            weights[i] = Weight(distances[i]);
        }

        double Weight(double distance) => distance <= nearest ? 1 : Math.Exp(-(distance - nearest) / width);
    }
}
