using System.Text;
using MoCoSharp.Data.Datasets;
using MoCoSharp.Data.Images;

namespace MoCoSharp.Report.Html;

/// <summary>An image of a gallery.</summary>
/// <param name="Data">The set that it is read from.</param>
/// <param name="Index">Its index in the set.</param>
/// <param name="Caption">A few words below its name.</param>
internal readonly record struct GalleryImage(IImageDataset Data, int Index, string Caption);

/// <summary>A page of images in groups, each with a heading.</summary>
/// <param name="title">Shown in the browser's tab, and as the heading.</param>
internal sealed class Gallery(string title)
{
    private const int Side = 112; // pixels of a thumbnail: 7rem

    private readonly HtmlPage _page = new(title);

    /// <summary>Adds a paragraph.</summary>
    /// <param name="sentence">Any text. Commands in it stand in backticks.</param>
    public void Say(string sentence) => _page.Add($"<p>{HtmlText.Sentence(sentence)}</p>");

    /// <summary>Adds a group. Images are read on all cores; one that cannot be read has no picture.</summary>
    /// <param name="heading">Any text.</param>
    /// <param name="images">In their order on the page.</param>
    public void Add(string heading, IReadOnlyList<GalleryImage> images)
    {
        var figures = new string[images.Count];
        Parallel.For(0, figures.Length, i => figures[i] = Figure(images[i]));
        var group = new StringBuilder($"<h2>{HtmlText.Escape(heading)}</h2>\n<div class=\"images\">\n");
        foreach (var figure in figures)
        {
            group.Append(figure).Append('\n');
        }

        _page.Add(group.Append("</div>").ToString());
    }

    /// <summary>The whole page.</summary>
    public override string ToString() => _page.ToString();

    private static string Figure(GalleryImage image)
    {
        var name = image.Data.NameOf(image.Index);
        var picture = Picture(image) is { } uri ? $"<img src=\"{uri}\" alt=\"\">" : "<em>cannot be read</em>";
        return $"<figure>{picture}<figcaption>{HtmlText.Name(name)}<br>{HtmlText.Escape(image.Caption)}</figcaption>" +
            "</figure>";
    }

    // A JPEG is decoded at the smallest size that is large enough.
    private static string? Picture(GalleryImage image)
    {
        try
        {
            using var pixels = image.Data.Read(image.Index, new DecodeRequest
            {
                AppliesOrientation = true,
                AcceptsReducedSize = (width, height) => Math.Min(width, height) >= Side,
            }).Image;
            return Thumbnail.DataUri(pixels, Side);
        }
        catch (Exception error) when (error is BrokenImageException or IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }
}
