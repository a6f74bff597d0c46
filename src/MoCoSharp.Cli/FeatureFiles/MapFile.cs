using System.Globalization;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using MoCoSharp.Data.Datasets;
using MoCoSharp.Data.Images;
using MoCoSharp.Report.Html;
using MoCoSharp.Report.Maps;

namespace MoCoSharp.Cli.FeatureFiles;

/// <summary>Writes a map as a page, a picture, CSV or JSON.</summary>
/// <param name="title">What is on the map.</param>
/// <param name="manner">How it was made, in one sentence.</param>
/// <param name="points">The images.</param>
/// <param name="classNames">The classes by number; empty for none.</param>
internal sealed class MapFile(
    string title, string manner, IReadOnlyList<MapPoint> points, IReadOnlyList<string> classNames)
{
    private const int ThumbnailSide = 64; // pixels: 2,000 of them are about 5 MB

    /// <summary>The endings of the files.</summary>
    public static IReadOnlyList<string> Extensions { get; } = [".html", ".png", ".csv", ".json"];

    /// <summary>Writes the map.</summary>
    /// <param name="stream">The file.</param>
    /// <param name="extension">One of <see cref="Extensions"/>, in any case.</param>
    /// <param name="read">Reads the image of a point, by its place.</param>
    public void Write(Stream stream, string extension, Func<int, LabeledImage> read)
    {
        switch (extension.ToLowerInvariant())
        {
            case ".html":
                WriteText(stream, MapPage.Create(title, manner, points, classNames, Thumbnails(read)));
                break;
            case ".png":
                using (var picture = MapPicture.Draw("Map of images", manner, points, classNames))
                {
                    stream.Write(ImageEncoder.Png(picture));
                }

                break;
            case ".csv":
                WriteText(stream, Csv());
                break;
            default:
                WriteJson(stream);
                break;
        }
    }

    // Of evenly spaced images, if there are many. Images that cannot be read any more have none.
    private Dictionary<int, string> Thumbnails(Func<int, LabeledImage> read)
    {
        var step = (points.Count + MapPage.MostThumbnails - 1) / MapPage.MostThumbnails;
        var thumbnails = new string?[points.Count];
        Parallel.For(0, (points.Count + step - 1) / step, i =>
        {
            try
            {
                using var image = read(i * step).Image;
                thumbnails[i * step] = Thumbnail.DataUri(image, ThumbnailSide);
            }
            catch (BrokenImageException)
            {
                // It could be read before: its file was changed or lost since then.
            }
        });
        return thumbnails.Index().Where(item => item.Item is not null)
            .ToDictionary(item => item.Index, item => item.Item!);
    }

    private string Csv()
    {
        var text = new StringBuilder("name,label,class,x,y\n");
        foreach (var point in points)
        {
            text.Append(CultureInfo.InvariantCulture, $"{CsvWriter.Quoted(point.Name)},{point.Label},")
                .Append(CsvWriter.Quoted(ClassOf(point) ?? ""))
                .Append(CultureInfo.InvariantCulture, $",{point.X:R},{point.Y:R}\n");
        }

        return text.ToString();
    }

    private void WriteJson(Stream stream)
    {
        using var writer = new Utf8JsonWriter(
            stream, new JsonWriterOptions { Indented = true, Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping });
        writer.WriteStartArray();
        foreach (var point in points)
        {
            writer.WriteStartObject();
            writer.WriteString("name", point.Name);
            writer.WriteNumber("x", point.X);
            writer.WriteNumber("y", point.Y);
            if (ClassOf(point) is { } name)
            {
                writer.WriteString("class", name);
            }

            writer.WriteEndObject();
        }

        writer.WriteEndArray();
    }

    private string? ClassOf(MapPoint point) => point.Label < 0 ? null : classNames[point.Label];

    private static void WriteText(Stream stream, string text) => stream.Write(Encoding.UTF8.GetBytes(text));
}
