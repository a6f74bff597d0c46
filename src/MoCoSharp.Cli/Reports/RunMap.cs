using MoCoSharp.Data.Datasets;
using MoCoSharp.Features;
using MoCoSharp.Report.Html;
using MoCoSharp.Report.RunReports;
using TorchSharp;
using static TorchSharp.torch;

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
    public static FeaturePlot? Create(FeatureSet features, IImageDataset images, bool upright)
    {
        if (features.Indices.Length < Fewest)
        {
            return null;
        }

        var (x, y) = Place(features.Values);
        return new FeaturePlot(
            "the two principal components of the pooled features", x, y, features.Labels, images.ClassNames,
            [.. features.Indices.Select(images.NameOf)],
            ThumbnailSheet.Create(images, features.Indices, upright, ThumbnailSide, MostBytes));
    }

    private static (float[] X, float[] Y) Place(Tensor values)
    {
        using var noGrad = no_grad();
        using var scope = NewDisposeScope();
        var features = values.to(float32); // [M, D]
        var centered = features - features.mean([0], keepdim: true);
        var (_, directions) = linalg.eigh(centered.t().mm(centered)); // [D, D], ascending
        var dimension = directions.shape[1];
        var points = centered.mm(directions.narrow(1, dimension - 2, 2)).t().contiguous(); // [2, M]
        var coordinates = points.data<float>().ToArray();
        var count = (int)points.shape[1];
        return (coordinates[count..], coordinates[..count]);
    }
}
