using MoCoSharp.Data.Datasets;
using MoCoSharp.Data.Quality;
using MoCoSharp.Report.Html;

namespace MoCoSharp.Cli.Quality;

/// <summary>The groups or pairs of moco duplicates as a page of thumbnails.</summary>
internal static class DuplicateGallery
{
    private const int MostGroups = 200;
    private const int MostOfGroup = 12;
    private const int MostImages = 1000; // about 8 MB

    /// <summary>The page. Images are read again for their thumbnails.</summary>
    public static string Page(DuplicateReport report)
    {
        var gallery = new Gallery(
            report.Other is null
                ? $"Duplicates in {report.Set.Data.Description}"
                : $"Images of {report.Set.Data.Description} that are also in {report.Other.Data.Description}");
        foreach (var line in DuplicateTable.Summary(report))
        {
            gallery.Say(line);
        }

        if (report.Advice is { } advice)
        {
            gallery.Say(advice);
        }

        var groups = report.Other is null
            ? report.Groups.Select(group => Of(group, report.Set.Data))
            : report.Leaks.Select(leak => Of(leak, report.Set.Data, report.Other.Data));
        var (shown, images) = (0, 0);
        foreach (var (heading, figures) in groups.Take(MostGroups))
        {
            if (images + figures.Count > MostImages)
            {
                break;
            }

            gallery.Add($"{shown + 1}. {heading}", figures, marksFirst: report.Other is null);
            (shown, images) = (shown + 1, images + figures.Count);
        }

        var left = report.Groups.Count + report.Leaks.Count - shown;
        if (left > 0)
        {
            gallery.Say(
                $"{Plain.Count(left, report.Other is null ? "more group" : "more pair")} not shown here; " +
                "-o FILE.csv or FILE.json has all of them.");
        }

        return gallery.ToString();
    }

    private static (string Heading, IReadOnlyList<GalleryImage> Images) Of(DuplicateGroup group, IImageDataset data)
    {
        var more = group.Others.Count - MostOfGroup;
        return (
            $"{Plain.Count(group.Others.Count + 1, "image")}, " +
            (group.IsExact ? "exactly the same" : "similar") +
            (more > 0 ? $"; {Plain.Count(more)} of them not shown" : ""),
            [
                new GalleryImage(data, group.Kept.Index, $"keep, {Plain.Size(group.Kept)}"),
                .. group.Others.Take(MostOfGroup).Select(other => new GalleryImage(
                    data, other.Image.Index,
                    $"{Plain.Kind(other.Kind, other.Similarity)}, {Plain.Size(other.Image)}")),
            ]);
    }

    private static (string Heading, IReadOnlyList<GalleryImage> Images) Of(
        Leak leak, IImageDataset data, IImageDataset other) =>
        (
            Plain.Kind(leak.Kind, leak.Similarity),
            [
                new GalleryImage(data, leak.Image.Index, Plain.Size(leak.Image)),
                new GalleryImage(other, leak.Other.Index, Plain.Size(leak.Other)),
            ]);
}
