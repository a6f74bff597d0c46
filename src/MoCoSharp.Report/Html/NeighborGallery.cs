using System.Text;
using MoCoSharp.Report.Pictures;

namespace MoCoSharp.Report.Html;

/// <summary>A page with a row of thumbnails for each query: the query and its neighbors.</summary>
internal static class NeighborGallery
{
    /// <summary>Pixels of the longer side of a thumbnail.</summary>
    public const int Side = 160;

    private const string Style = """
        .images figure.query { padding-right: 0.6rem; border-right: 2px solid var(--accent); }
        .images figcaption b { display: block; color: var(--text); font-weight: 600; }
        .unreadable { display: grid; place-items: center; width: 7rem; height: 7rem; background: var(--line); }
        """;

    /// <summary>Creates the page.</summary>
    /// <param name="title">The heading.</param>
    /// <param name="summary">A sentence below the heading.</param>
    /// <param name="rows">The queries. Each row is enumerated and used once.</param>
    public static HtmlPage Create(string title, string summary, IEnumerable<TileRow> rows)
    {
        var page = new HtmlPage(title);
        page.AddStyle(Style);
        page.Add($"<p class=\"quiet\">{HtmlText.Escape(summary)}</p>");
        foreach (var row in rows)
        {
            var images = new StringBuilder(Figure(row.Query, "query"));
            foreach (var neighbor in row.Neighbors)
            {
                images.Append(Figure(neighbor, "neighbor"));
            }

            page.Add($"<h2>{HtmlText.Name(row.Query.Name)}</h2>\n<div class=\"images\">\n{images}</div>");
        }

        return page;
    }

    private static string Figure(Tile tile, string kind)
    {
        var name = HtmlText.Escape(tile.Name);
        var image = tile.Image is { } pixels
            ? $"<img src=\"{Thumbnail.DataUri(pixels, Side)}\" alt=\"{name}\" title=\"{name}\">"
            : "<div class=\"unreadable\">not readable</div>";
        var caption = tile.Caption.Length > 0 ? $"<b>{HtmlText.Escape(tile.Caption)}</b>" : "";
        return $"<figure class=\"{kind}\">{image}" +
            $"<figcaption>{caption}{HtmlText.Name(tile.Name)}</figcaption></figure>\n";
    }
}
