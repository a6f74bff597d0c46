using MoCoSharp.Report.Html;

namespace MoCoSharp.Report.RunReports;

/// <summary>The same queries and their nearest neighbors, by the encoder at several stages of training.</summary>
/// <param name="Searched">Number of images that were searched.</param>
/// <param name="Images">Every image that a stage shows.</param>
/// <param name="Stages">In the order of training; not empty.</param>
/// <param name="Sheet">Thumbnails in the order of the images.</param>
internal sealed record NeighborHistory(
    int Searched, IReadOnlyList<PageImage> Images, IReadOnlyList<NeighborStage> Stages, ThumbnailSheet Sheet);

/// <summary>An image of a page.</summary>
/// <param name="Name">Its name in the data set.</param>
/// <param name="ClassName">The name of its class; null without labels.</param>
internal sealed record PageImage(string Name, string? ClassName);

/// <summary>The neighbors at one checkpoint.</summary>
/// <param name="Title">Such as "after 7 epochs (step 273)".</param>
/// <param name="Rows">A row for each query.</param>
internal sealed record NeighborStage(string Title, IReadOnlyList<NeighborRow> Rows);

/// <summary>A query and its nearest neighbors.</summary>
/// <param name="Query">Its position in the images of the history.</param>
/// <param name="Neighbors">Their positions, the most similar first.</param>
/// <param name="Similarities">Their cosines with the query.</param>
internal sealed record NeighborRow(int Query, IReadOnlyList<int> Neighbors, IReadOnlyList<float> Similarities);
