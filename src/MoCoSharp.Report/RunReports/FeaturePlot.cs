using MoCoSharp.Report.Html;

namespace MoCoSharp.Report.RunReports;

/// <summary>A map of features: a point for each image, similar images close together.</summary>
/// <param name="Method">How the points were placed, in a phrase for users.</param>
/// <param name="X">Horizontal coordinates. Length M.</param>
/// <param name="Y">Vertical coordinates. Length M.</param>
/// <param name="Labels">The label of each image, -1 for none. Length M.</param>
/// <param name="ClassNames">By label; empty without labels.</param>
/// <param name="Names">The name of each image. Length M.</param>
/// <param name="Sheet">Thumbnails in the order of the points.</param>
internal sealed record FeaturePlot(
    string Method, IReadOnlyList<float> X, IReadOnlyList<float> Y, IReadOnlyList<int> Labels,
    IReadOnlyList<string> ClassNames, IReadOnlyList<string> Names, ThumbnailSheet Sheet);
