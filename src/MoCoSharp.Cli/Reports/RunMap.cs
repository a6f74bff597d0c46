using MoCoSharp.Data.Datasets;
using MoCoSharp.Features;
using MoCoSharp.Report.Html;
using MoCoSharp.Report.RunReports;
using static System.FormattableString;
using static TorchSharp.torch;

namespace MoCoSharp.Cli.Reports;

/// <summary>Maps the same images at each stage of training. Of many images, it shows some, spread evenly.</summary>
/// <param name="images">The images.</param>
/// <param name="upright">Whether thumbnails are turned by their EXIF orientation.</param>
internal sealed class RunMap(IImageDataset images, bool upright)
{
    private const int Fewest = 10; // images: fewer make no map
    private const int Most = 3000; // images: more thumbnails would make the page too large
    private const int ThumbnailSide = 48; // pixels
    private const int MostBytes = 1_300_000; // of the thumbnails
    private const int Digits = 3; // of a coordinate: the layout is about 20 wide

    private readonly List<(string Title, int[] Indices, float[] Places)> _stages = []; // places have shape [M, 2]

    /// <summary>Maps the images at one stage.</summary>
    /// <param name="title">The stage.</param>
    /// <param name="features">Pooled features at this stage. Shape [M, D].</param>
    /// <param name="progress">Receives the epochs of the layout that are done, and their number.</param>
    /// <param name="stop">Ends the work early.</param>
    public void Add(string title, FeatureSet features, Action<int, int> progress, CancellationToken stop)
    {
        var rows = EvenSpread.Of(features.Indices.Length, Most);
        if (rows.Length < Fewest)
        {
            return;
        }

        using var values = features.Values.index_select(0, tensor(Array.ConvertAll(rows, row => (long)row)));
        var places = FeatureMap.Umap(values, progress: progress, cancellation: stop);
        _stages.Add((title, [.. rows.Select(row => features.Indices[row])], places));
    }

    /// <summary>The map; null if there are too few images.</summary>
    /// <param name="features">Of the newest stage, which was added last.</param>
    /// <param name="clusters">The cluster of each row of the features; null without clusters.</param>
    public FeaturePlot? Draw(FeatureSet features, (ClusterList Shown, int[] Of)? clusters)
    {
        var rows = EvenSpread.Of(features.Indices.Length, Most);
        if (rows.Length < Fewest)
        {
            return null;
        }

        int[] indices = [.. rows.Select(row => features.Indices[row])];
        return new FeaturePlot(
            Invariant($"UMAP of the pooled features, which keeps {FeatureMap.DefaultNeighbors} neighbors together"),
            Aligned(indices), [.. rows.Select(row => features.Labels[row])], images.ClassNames,
            [.. indices.Select(images.NameOf)],
            ThumbnailSheet.Create(images, indices, upright, ThumbnailSide, MostBytes))
        {
            Clusters = clusters is { Of: var of } ? [.. rows.Select(row => of[row])] : [],
            ClusterNames = clusters is { Shown: var shown } ? [.. shown.All.Select(Name)] : [],
        };
    }

    // Each stage is turned like the next, so that images stay about where they are when the stage changes.
    private List<PlotStage> Aligned(int[] indices)
    {
        List<PlotStage> stages = [];
        float[]? next = null;
        foreach (var (title, of, places) in _stages.AsEnumerable().Reverse())
        {
            if (!of.AsSpan().SequenceEqual(indices))
            {
                continue; // an image could not be read at this stage
            }

            next = next is null ? places : MapTurn.Like(places, next);
            stages.Insert(0, new PlotStage(title, Axis(next, 0), Axis(next, 1)));
        }

        return stages;
    }

    private static float[] Axis(float[] places, int axis) =>
        [.. places.Where((_, i) => i % 2 == axis).Select(place => MathF.Round(place, Digits))];

    private static string Name(Cluster cluster, int number) => cluster.ClassName is { } name
        ? Invariant($"cluster {number + 1}: {100 * cluster.Purity:F0} % {name}")
        : Invariant($"cluster {number + 1}");
}
