using MoCoSharp.Data.Views;
using TorchSharp;
using static MoCoSharp.Kernels.Scalars;
using static TorchSharp.torch;

namespace MoCoSharp.Features;

/// <summary>Maps features to two dimensions, for people to look at.</summary>
/// <remarks>The same features and seed give the same map, with any number of threads.</remarks>
public static class FeatureMap
{
    /// <summary>The usual number of neighbors of <see cref="Umap"/>.</summary>
    public const int DefaultNeighbors = 15;

    private const int RowsAtOnce = 4096;
    private const float Span = 10; // of the first places, in units of the map
    private const double Noise = 1e-4; // separates equal images

    /// <summary>The two directions of the largest variance.</summary>
    /// <param name="features">Shape [M, D].</param>
    /// <param name="cancellation">Ends the work early.</param>
    /// <returns>
    /// Shape [M, 2], row by row, with mean 0. Of each direction, the largest component is positive. The second
    /// coordinate is 0 if D is 1.
    /// </returns>
    public static float[] Pca(Tensor features, CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(features);
        if (features.shape is not [> 0, > 0])
        {
            throw new ArgumentException(
                $"The features have shape [{string.Join(", ", features.shape)}], expected [M, D].", nameof(features));
        }

        using var noGrad = no_grad();
        using var scope = NewDisposeScope();
        var threads = get_num_threads();
        set_num_threads(1); // sums of several threads have other bits
        try
        {
            return Project(features.detach().cpu(), cancellation);
        }
        finally
        {
            set_num_threads(threads);
        }
    }

    /// <summary>A map that keeps neighbors together: UMAP, from a PCA start, with a minimal distance of 0.1.</summary>
    /// <param name="features">
    /// Compared by Euclidean distance; L2-normalize them to compare cosines. Shape [M, D].
    /// </param>
    /// <param name="neighbors">Neighbors of each image, above 0. A smaller set takes all its images.</param>
    /// <param name="seed">Seed of the layout.</param>
    /// <param name="progress">Receives the epochs done, and their number.</param>
    /// <param name="cancellation">Ends the work early.</param>
    /// <returns>Shape [M, 2], row by row.</returns>
    /// <exception cref="InvalidDataException">A feature is not a finite number.</exception>
    /// <remarks>
    /// McInnes, Healy and Melville 2018, <see href="https://arxiv.org/abs/1802.03426"/>. The neighbors are exact. The
    /// start by PCA is as good as a spectral one: Kobak and Linderman 2021,
    /// <see href="https://doi.org/10.1038/s41587-020-00809-z"/>.
    /// </remarks>
    public static float[] Umap(
        Tensor features, int neighbors = DefaultNeighbors, long seed = 0, Action<int, int>? progress = null,
        CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(features);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(neighbors);
        var rows = HostFeatures.Of(features);
        if (rows.Count == 1)
        {
            return [0, 0];
        }

        var random = RandomStreams.Map(seed);
        var places = FirstPlaces(Pca(features, cancellation), ref random);
        var graph = NeighborGraph.Of(rows, Math.Min(neighbors, rows.Count - 1), cancellation);
        MapLayout.Optimize(FuzzyGraph.Of(graph), places, ref random, progress, cancellation);
        return places;
    }

    private static float[] Project(Tensor features, CancellationToken cancellation)
    {
        var (count, width) = (features.shape[0], features.shape[1]);
        var mean = zeros(width, dtype: float64);
        foreach (var block in Blocks())
        {
            mean.add_(block.sum(0, type: float64), Held(1.0 / count)); // sum(0) alone would be sum(type: Byte)
        }

        var covariance = zeros(width, width, dtype: float64);
        foreach (var block in Blocks())
        {
            using var inner = NewDisposeScope();
            cancellation.ThrowIfCancellationRequested();
            var centered = block.sub(mean);
            covariance.add_(centered.t().mm(centered), One);
        }

        var (_, directions) = linalg.eigh(covariance); // columns, the largest variance last
        var places = new float[2 * count];
        for (var axis = 0; axis < Math.Min(2, width); axis++)
        {
            var direction = directions.select(1, width - 1 - axis).contiguous(); // [D]
            var sign = Math.Sign(direction.data<double>().MaxBy(value => Math.Abs(value)));
            var row = 0;
            foreach (var block in Blocks())
            {
                using var inner = NewDisposeScope();
                foreach (var place in block.sub(mean).mv(direction).data<double>())
                {
                    places[(2 * row++) + axis] = (float)(sign * place);
                }
            }
        }

        return places;

        IEnumerable<Tensor> Blocks()
        {
            for (long first = 0; first < count; first += RowsAtOnce)
            {
                using var block = features.narrow(0, first, Math.Min(RowsAtOnce, count - first)).to(float64);
                yield return block;
            }
        }
    }

    private static float[] FirstPlaces(float[] places, ref SampleRandom random)
    {
        var largest = places.Max(place => Math.Abs(place));
        for (var i = 0; i < places.Length; i++)
        {
            places[i] = (largest > 0 ? places[i] * Span / largest : 0) + (float)(Noise * random.NextGaussian());
        }

        return places;
    }
}
