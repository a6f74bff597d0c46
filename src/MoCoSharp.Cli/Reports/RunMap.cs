using MoCoSharp.Data.Datasets;
using MoCoSharp.Features;
using MoCoSharp.Report.Html;
using MoCoSharp.Report.RunReports;
using static System.FormattableString;
using static TorchSharp.torch;

namespace MoCoSharp.Cli.Reports;

/// <summary>Makes the map of a report from the features of its newest checkpoint.</summary>
internal static class RunMap
{
    private const int Fewest = 10; // images: fewer make no map
    private const int Most = 3000; // images: more thumbnails would make the page too large
    private const int ThumbnailSide = 48; // pixels
    private const int MostBytes = 1_300_000; // of the thumbnails

    /// <summary>The map; null if there are too few images. Of many images, it shows some, spread evenly.</summary>
    /// <param name="features">Pooled features. Shape [M, D].</param>
    /// <param name="images">The images of the features.</param>
    /// <param name="clusters">The cluster of each image; null without clusters.</param>
    /// <param name="upright">Whether thumbnails are turned by their EXIF orientation.</param>
    /// <param name="progress">Receives the epochs of the layout that are done, and their number.</param>
    /// <param name="stop">Ends the work early.</param>
    public static FeaturePlot? Create(
        FeatureSet features, IImageDataset images, (ClusterList Shown, int[] Of)? clusters, bool upright,
        Action<int, int> progress, CancellationToken stop)
    {
        if (features.Indices.Length < Fewest)
        {
            return null;
        }

        var count = Math.Min(Most, features.Indices.Length);
        int[] rows = [.. Enumerable.Range(0, count).Select(i => (int)((long)i * features.Indices.Length / count))];
        int[] indices = [.. rows.Select(row => features.Indices[row])];
        using var values = features.Values.index_select(0, tensor(Array.ConvertAll(rows, row => (long)row)));
        var places = FeatureMap.Umap(values, progress: progress, cancellation: stop); // [M, 2]
        return new FeaturePlot(
            Invariant($"UMAP of the pooled features, which keeps {FeatureMap.DefaultNeighbors} neighbors together"),
            [.. places.Where((_, i) => i % 2 == 0)], [.. places.Where((_, i) => i % 2 == 1)],
            [.. rows.Select(row => features.Labels[row])], images.ClassNames, [.. indices.Select(images.NameOf)],
            ThumbnailSheet.Create(images, indices, upright, ThumbnailSide, MostBytes))
        {
            Clusters = clusters is { Of: var of } ? [.. rows.Select(row => of[row])] : [],
            ClusterNames = clusters is { Shown: var shown } ? [.. shown.All.Select(Name)] : [],
        };
    }

    private static string Name(Cluster cluster, int number) => cluster.ClassName is { } name
        ? Invariant($"cluster {number + 1}: {100 * cluster.Purity:F0} % {name}")
        : Invariant($"cluster {number + 1}");
}
