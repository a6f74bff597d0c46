using MoCoSharp.Report.Html;

namespace MoCoSharp.Report.RunReports;

/// <summary>A map of features: a point for each image, similar images close together.</summary>
/// <param name="Method">How the points were placed, in a phrase for users.</param>
/// <param name="Stages">The places of the same images at stages of training, in this order; not empty.</param>
/// <param name="Labels">The label of each image, -1 for none. Length M.</param>
/// <param name="ClassNames">By label; empty without labels.</param>
/// <param name="Names">The name of each image. Length M.</param>
/// <param name="Sheet">Thumbnails in the order of the points.</param>
internal sealed record FeaturePlot(
    string Method, IReadOnlyList<PlotStage> Stages, IReadOnlyList<int> Labels, IReadOnlyList<string> ClassNames,
    IReadOnlyList<string> Names, ThumbnailSheet Sheet)
{
    /// <summary>The cluster of each image, 0 or more; empty without clusters. Length M.</summary>
    public IReadOnlyList<int> Clusters { get; init; } = [];

    /// <summary>The names of the clusters.</summary>
    public IReadOnlyList<string> ClusterNames { get; init; } = [];

    /// <summary>Whether the points can be colored by class and by cluster.</summary>
    public bool HasTwoColorings => Clusters.Count > 0 && Labels.Any(label => label >= 0);
}

/// <summary>The places of the images at one stage of training.</summary>
/// <param name="Title">Such as "after 7 epochs (step 273)".</param>
/// <param name="X">Horizontal coordinates. Length M.</param>
/// <param name="Y">Vertical coordinates. Length M.</param>
internal sealed record PlotStage(string Title, IReadOnlyList<float> X, IReadOnlyList<float> Y);
