using System.Text.Json;
using System.Text.Json.Serialization;
using MoCoSharp.Report.Html;

namespace MoCoSharp.Report.RunReports;

/// <summary>The data of run-report.js. Names in it are visible text, which the script must not use as markup.</summary>
internal sealed record PageData(
    string StepTitle, IReadOnlyList<Chart> Charts, HistoryData? Neighbors, PlotData? Map)
{
    /// <summary>
    /// Whether a curve of a chart belongs to the curves of the same name in the others: one legend switches all.
    /// </summary>
    public bool SharesLegend { get; init; }

    /// <summary>The data as JSON, which is also JavaScript. The sign &lt; is \u003c in it.</summary>
    public static string Json(RunReport report) => JsonSerializer.Serialize(
        new PageData(
            report.StepTitle, report.Charts, report.Neighbors is { } neighbors ? HistoryData.From(neighbors) : null,
            report.Map is { } map ? PlotData.From(map) : null),
        PageDataJson.Default.PageData);

    /// <summary>The data of a comparison.</summary>
    public static string Json(RunComparison comparison) => JsonSerializer.Serialize(
        new PageData(comparison.StepTitle, [.. comparison.Charts.Select(Visible)], null, null) { SharesLegend = true },
        PageDataJson.Default.PageData);

    // The names of its curves are those of runs.
    private static Chart Visible(Chart chart) => chart with
    {
        Curves = [.. chart.Curves.Select(curve => curve with { Name = HtmlText.Visible(curve.Name) })],
    };
}

/// <summary>The neighbors, without the thumbnails, which a style holds.</summary>
internal sealed record HistoryData(
    IEnumerable<PageImage> Images, IReadOnlyList<NeighborStage> Stages, int Columns, int Rows)
{
    public static HistoryData From(NeighborHistory history) => new(
        history.Images.Select(image => new PageImage(
            HtmlText.Visible(image.Name), image.ClassName is null ? null : HtmlText.Visible(image.ClassName))),
        history.Stages, history.Sheet.Columns, history.Sheet.Rows);
}

/// <summary>The points of a map, without the thumbnails, which a style holds.</summary>
internal sealed record PlotData(
    IReadOnlyList<PlotStage> Stages, IReadOnlyList<int> Labels, IEnumerable<string> ClassNames,
    IReadOnlyList<int> Clusters, IEnumerable<string> ClusterNames, IEnumerable<string> Names, int Columns, int Rows)
{
    public static PlotData From(FeaturePlot plot) => new(
        plot.Stages, plot.Labels, plot.ClassNames.Select(HtmlText.Visible), plot.Clusters,
        plot.ClusterNames.Select(HtmlText.Visible), plot.Names.Select(HtmlText.Visible), plot.Sheet.Columns,
        plot.Sheet.Rows);
}

/// <summary>Writes the data.</summary>
[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase)]
[JsonSerializable(typeof(PageData))]
internal sealed partial class PageDataJson : JsonSerializerContext;
