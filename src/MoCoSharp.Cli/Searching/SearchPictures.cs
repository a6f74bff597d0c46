using System.Globalization;
using System.Text;
using MoCoSharp.Data.Datasets;
using MoCoSharp.Data.Images;
using MoCoSharp.Evaluation;
using MoCoSharp.Report.Html;
using MoCoSharp.Report.Pictures;

namespace MoCoSharp.Cli.Searching;

/// <summary>Similar images as pictures: a page, or a contact sheet.</summary>
internal static class SearchPictures
{
    private const int MostTiles = 1000; // about 8 MB of page, and 50 MB of pixels of a sheet
    private const int JpegQuality = 85;

    /// <summary>Creates the bytes of a file.</summary>
    /// <param name="ending">.html, .png or .jpg.</param>
    /// <param name="result">The similar images.</param>
    /// <param name="title">The heading.</param>
    /// <param name="summary">The sentence below the heading of a page.</param>
    public static byte[] Create(string ending, ImageSearchResult result, string title, string summary)
    {
        var shown = Math.Min(Shown(result), result.Queries.Count);
        if (shown < result.Queries.Count)
        {
            var cut = $"The first {shown} of {result.Queries.Count} queries are shown; .csv and .json hold all.";
            Console.Error.WriteLine($"moco: note: {cut}");
            summary = $"{summary} {cut}";
        }

        var queries = result.Queries.Take(shown);
        if (ending == ".html")
        {
            return Encoding.UTF8.GetBytes(Page(queries, result, title, summary));
        }

        using var sheet = ContactSheet.Draw(title, [.. queries.Select(query => Row(query, result))]);
        return ending == ".png" ? ImageEncoder.Png(sheet) : ImageEncoder.Jpeg(sheet, JpegQuality);
    }

    private static string Page(
        IEnumerable<SimilarImages> queries, ImageSearchResult result, string title, string summary)
    {
        var gallery = new Gallery(title);
        gallery.Say(summary);
        foreach (var query in queries)
        {
            gallery.Add(
                query.Name,
                [
                    new GalleryImage(query.Source, query.Index, "") { Name = query.Name },
                    .. query.Neighbors.Select(neighbor =>
                        new GalleryImage(result.Searched, neighbor.Index, Text(neighbor.Similarity))
                        {
                            Name = neighbor.Name,
                        }),
                ],
                marksFirst: true);
        }

        return gallery.ToString();
    }

    private static int Shown(ImageSearchResult result) =>
        Math.Max(1, MostTiles / (1 + result.Queries.Max(query => query.Neighbors.Count)));

    private static TileRow Row(SimilarImages query, ImageSearchResult result) => new(
        new Tile(query.Name, "", Read(query.Source, query.Index)),
        [
            .. query.Neighbors.Select(neighbor => new Tile(
                neighbor.Name, Text(neighbor.Similarity), Read(result.Searched, neighbor.Index))),
        ]);

    private static string Text(double similarity) => similarity.ToString("F2", CultureInfo.InvariantCulture);

    // Upright, as people look at it; null if the file has gone since it was searched.
    private static ImageBuffer? Read(IImageDataset images, int index)
    {
        var request = new DecodeRequest
        {
            AppliesOrientation = true,
            AcceptsReducedSize = (width, height) => Math.Max(width, height) >= ContactSheet.Side,
        };
        try
        {
            using var image = images.Read(index, request).Image;
            return Thumbnail.Reduce(image, ContactSheet.Side);
        }
        catch (Exception error) when (error is BrokenImageException or IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }
}
