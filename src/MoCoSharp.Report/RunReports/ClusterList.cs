using System.Text;
using MoCoSharp.Report.Html;
using static System.FormattableString;

namespace MoCoSharp.Report.RunReports;

/// <summary>Groups of images with similar features.</summary>
/// <param name="Images">Number of images in all clusters.</param>
/// <param name="All">The clusters, the largest first; not empty.</param>
internal sealed record ClusterList(int Images, IReadOnlyList<Cluster> All)
{
    /// <summary>The markup: the size of each cluster, its most frequent class, and exemplars.</summary>
    /// <param name="pictures">Has the exemplars.</param>
    public string ToHtml(PictureSheet pictures)
    {
        var markup = new StringBuilder(Invariant($"""
            <p>k-means divides the {Images} images into {All.Count} groups by their features, without labels.
            Each row shows the images nearest to the center of a group.</p>
            """));
        markup.Append("<div class=\"rows\">");
        foreach (var (number, cluster) in All.Index())
        {
            markup.Append(Invariant($"<div class=\"cluster\"><p><i class=\"swatch\" data-color=\"{number}\"></i>"))
                .Append(Invariant($"<b>cluster {number + 1}</b>: {cluster.Size} images{Common(cluster)}</p>"))
                .Append("<div class=\"row\">")
                .AppendJoin("", cluster.Exemplars.Select(place => pictures.Figure(
                    place, pictures.Images[place].ClassName ?? "")))
                .Append("</div></div>");
        }

        return markup.Append("</div>").ToString();
    }

    private static string Common(Cluster cluster) => cluster is { ClassName: { } name, Purity: { } purity }
        ? Invariant($", {100 * purity:F0} % of them {HtmlText.Name(name)}")
        : "";
}

/// <summary>A group of images.</summary>
/// <param name="Size">Number of images.</param>
/// <param name="Exemplars">Positions of the images nearest to its center.</param>
/// <param name="ClassName">The most frequent class; null without labels.</param>
/// <param name="Purity">The share of this class in its labeled images, 0 to 1; null without labels.</param>
internal sealed record Cluster(int Size, IReadOnlyList<int> Exemplars, string? ClassName, double? Purity);
