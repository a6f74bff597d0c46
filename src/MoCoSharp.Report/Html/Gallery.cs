using System.Text;
using MoCoSharp.Data.Datasets;
using MoCoSharp.Data.Images;

namespace MoCoSharp.Report.Html;

/// <summary>A page of images in groups, each with a heading.</summary>
/// <param name="title">Shown in the browser's tab, and as the heading.</param>
internal sealed class Gallery(string title)
{
    private const int Side = 160; // pixels of a thumbnail's longer side, shown at 7rem: sharp on fine screens

    private const string Style = """
        .images figure.first { padding-right: 0.6rem; border-right: 2px solid var(--accent); }
        .images figcaption strong { display: block; color: var(--text); font-weight: 600; }
        .unreadable { display: grid; place-items: center; width: 7rem; height: 7rem; background: var(--line); }
        """;

    private readonly HtmlPage _page = Styled(title);

    /// <summary>Adds a paragraph.</summary>
    /// <param name="sentence">Any text. A command in it stands between backticks.</param>
    public void Say(string sentence) => _page.Add($"<p>{HtmlText.Sentence(sentence)}</p>");

    /// <summary>Adds a group. Images are read on all cores.</summary>
    /// <param name="heading">Any text, such as the name of an image.</param>
    /// <param name="images">In their order on the page.</param>
    /// <param name="note">A sentence between the heading and the images; empty for none.</param>
    /// <param name="marksFirst">Whether a line stands behind the first image: the query, or the image that is kept.
    /// </param>
    public void Add(string heading, IReadOnlyList<GalleryImage> images, string note = "", bool marksFirst = false)
    {
        var figures = new string[images.Count];
        Parallel.For(0, figures.Length, i => figures[i] = Figure(images[i], marksFirst && i == 0));
        var group = new StringBuilder($"<h2>{HtmlText.Name(heading)}</h2>\n");
        if (note.Length > 0)
        {
            group.Append($"<p class=\"quiet\">{HtmlText.Sentence(note)}</p>\n");
        }

        _page.Add(group.Append($"<div class=\"images\">\n{string.Concat(figures)}</div>").ToString());
    }

    /// <summary>The whole page.</summary>
    public override string ToString() => _page.ToString();

    private static HtmlPage Styled(string title)
    {
        var page = new HtmlPage(title);
        page.AddStyle(Style);
        return page;
    }

    private static string Figure(GalleryImage image, bool isFirst)
    {
        var name = image.Name ?? image.Data.NameOf(image.Index);
        var text = HtmlText.Escape(name);
        var picture = Picture(image) is { } uri
            ? $"<img src=\"{uri}\" alt=\"{text}\" title=\"{text}\">"
            : "<div class=\"unreadable\">cannot be read</div>";
        var caption = image.Caption.Length > 0 ? $"<strong>{HtmlText.Escape(image.Caption)}</strong>" : "";
        return $"<figure{(isFirst ? " class=\"first\"" : "")}>{picture}" +
            $"<figcaption>{caption}{HtmlText.Name(name)}</figcaption></figure>\n";
    }

    // Null if the image cannot be read, or has gone. A JPEG is decoded at the smallest size that is large enough.
    private static string? Picture(GalleryImage image)
    {
        try
        {
            using var pixels = image.Data.Read(image.Index, new DecodeRequest
            {
                AppliesOrientation = true,
                AcceptsReducedSize = (width, height) => Math.Max(width, height) >= Side,
            }).Image;
            return Thumbnail.DataUri(pixels, Side);
        }
        catch (Exception error) when (error is BrokenImageException or IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }
}
