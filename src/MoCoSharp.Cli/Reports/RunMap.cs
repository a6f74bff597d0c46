using MoCoSharp.Data.Datasets;
using MoCoSharp.Features;
using MoCoSharp.Report.Html;
using MoCoSharp.Report.RunReports;
using static System.FormattableString;

namespace MoCoSharp.Cli.Reports;

/// <summary>Makes the map of a report from the features of its newest checkpoint.</summary>
internal static class RunMap
{
    private const int Fewest = 10; // images: fewer make no map
    private const int ThumbnailSide = 48; // pixels
    private const int MostBytes = 1_300_000; // of the thumbnails

    /// <summary>The map; null if there are too few images.</summary>
    /// <param name="features">Pooled features. Shape [M, D].</param>
    /// <param name="images">The images of the features.</param>
    /// <param name="upright">Whether thumbnails are turned by their EXIF orientation.</param>
    /// <param name="stop">Ends the work early.</param>
    public static FeaturePlot? Create(FeatureSet features, IImageDataset images, bool upright, CancellationToken stop)
    {
        if (features.Indices.Length < Fewest)
        {
            return null;
        }

        var places = FeatureMap.Umap(features.Values, cancellation: stop); // [M, 2]
        return new FeaturePlot(
            Invariant($"UMAP of the pooled features, which keeps {FeatureMap.DefaultNeighbors} neighbors together"),
            [.. places.Where((_, i) => i % 2 == 0)], [.. places.Where((_, i) => i % 2 == 1)], features.Labels,
            images.ClassNames,
            [.. features.Indices.Select(images.NameOf)],
            ThumbnailSheet.Create(images, features.Indices, upright, ThumbnailSide, MostBytes));
    }
}
