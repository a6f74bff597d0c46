using MoCoSharp.Data.Datasets;
using MoCoSharp.Features;
using MoCoSharp.Report.RunReports;

namespace MoCoSharp.Cli.Reports;

/// <summary>Groups the images of a report by their features.</summary>
internal static class RunClusters
{
    private const int Unlabeled = 10; // clusters of images without labels
    private const int Most = 20; // clusters
    private const int FewestImages = 5; // of a cluster, on average
    private const int Exemplars = 7; // of a cluster

    /// <summary>
    /// The clusters: as many as classes, or 10 without labels. Null if the images are too few for two.
    /// </summary>
    /// <param name="features">L2-normalized. Shape [M, D].</param>
    /// <param name="images">The images of the features.</param>
    /// <param name="pictures">Receives the exemplars.</param>
    /// <param name="stop">Ends the work early.</param>
    /// <returns>What the page shows, and the cluster of each row.</returns>
    public static (ClusterList Shown, int[] Of)? Find(
        FeatureSet features, IImageDataset images, ShownPictures pictures, CancellationToken stop)
    {
        var classes = features.Labels.Where(label => label >= 0).Distinct().Count();
        var count = Math.Min(
            Math.Min(classes < 2 ? Unlabeled : classes, Most), features.Labels.Length / FewestImages);
        if (count < 2)
        {
            return null;
        }

        var clusters = FeatureClusters.Find(features, count, cancellation: stop);
        var of = new int[features.Labels.Length];
        foreach (var (number, rows) in clusters.Index())
        {
            foreach (var row in rows)
            {
                of[row] = number;
            }
        }

        List<Cluster> shown = [.. clusters.Select(rows => Describe(rows, features, images, pictures))];
        return (new ClusterList(of.Length, shown), of);
    }

    private static Cluster Describe(
        IReadOnlyList<int> rows, FeatureSet features, IImageDataset images, ShownPictures pictures)
    {
        List<int> labels = [.. rows.Select(row => features.Labels[row]).Where(label => label >= 0)];
        var best = labels.CountBy(label => label).OrderByDescending(item => item.Value).ThenBy(item => item.Key)
            .FirstOrDefault();
        return new Cluster(
            rows.Count, [.. rows.Take(Exemplars).Select(row => pictures.Place(features.Indices[row]))],
            labels.Count == 0 ? null : images.ClassNames[best.Key],
            labels.Count == 0 ? null : best.Value / (double)labels.Count);
    }
}
