using System.Globalization;
using MoCoSharp.Report.Html;
using static System.FormattableString;

namespace MoCoSharp.Report.RunReports;

/// <summary>The images of clusters, near duplicates and mistakes, as one sheet of thumbnails.</summary>
/// <param name="Images">The name and class of each image.</param>
/// <param name="Sheet">Thumbnails in the order of the images.</param>
internal sealed record PictureSheet(IReadOnlyList<PageImage> Images, ThumbnailSheet Sheet)
{
    /// <summary>The class of the elements that show a part of the sheet.</summary>
    public const string ClassName = "of-pictures";

    /// <summary>The style of these elements. Each names its column and row.</summary>
    public string Style => Invariant($$"""
        .{{ClassName}} { background-image: url("{{Sheet.Uri}}"); width: var(--side); height: var(--side);
          background-size: calc(var(--side) * {{Sheet.Columns}}) calc(var(--side) * {{Sheet.Rows}});
          background-position: calc(var(--side) * -1 * var(--x)) calc(var(--side) * -1 * var(--y)); }
        """);

    /// <summary>An image with its caption. Its name appears under the pointer.</summary>
    /// <param name="place">Its position in the images.</param>
    /// <param name="caption">A few words from anywhere.</param>
    /// <param name="kind">The CSS class of the figure: "query", "same", "other" or none.</param>
    public string Figure(int place, string caption, string kind = "")
    {
        var image = Images[place];
        var name = HtmlText.Escape(image.ClassName is null ? image.Name : $"{image.Name} ({image.ClassName})");
        var (row, column) = Math.DivRem(place, Sheet.Columns);
        return string.Create(
            CultureInfo.InvariantCulture,
            $"<figure class=\"{kind}\"><div class=\"thumbnail {ClassName}\" style=\"--x: {column}; --y: {row}\" ") +
            $"role=\"img\" aria-label=\"{name}\" title=\"{name}\"></div>" +
            $"<figcaption>{HtmlText.Name(caption)}</figcaption></figure>";
    }
}
