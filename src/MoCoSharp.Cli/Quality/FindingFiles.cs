using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using MoCoSharp.Cli.FeatureFiles;
using MoCoSharp.Data.Quality;
using MoCoSharp.PyTorch;
using MoCoSharp.Report.Html;

namespace MoCoSharp.Cli.Quality;

/// <summary>Writes the result of moco doctor --data as .json, .csv or .html.</summary>
internal static class FindingFiles
{
    private const int MostOfFinding = 60; // thumbnails

    /// <summary>The endings of the files.</summary>
    public static IReadOnlyList<string> Endings => DuplicateFiles.Endings;

    /// <summary>Writes a file by its ending.</summary>
    public static void Write(string path, SurveyedSet set, IReadOnlyList<DataFinding> findings)
    {
        var bytes = Path.GetExtension(path).ToLowerInvariant() switch
        {
            ".json" => Json(set, findings),
            ".csv" => Encoding.UTF8.GetBytes(Csv(findings)),
            _ => Encoding.UTF8.GetBytes(Page(set, findings)),
        };
        AtomicFile.Write(path, stream => stream.Write(bytes));
    }

    private static string Csv(IReadOnlyList<DataFinding> findings)
    {
        var text = new StringBuilder("name,finding,problem,detail,path\n");
        foreach (var finding in findings)
        {
            foreach (var (image, detail) in finding.Images)
            {
                string[] cells =
                    [image.Name, finding.Key, finding.IsProblem ? "true" : "false", detail, image.Path ?? ""];
                text.AppendJoin(',', cells.Select(CsvWriter.Quoted)).Append('\n');
            }
        }

        return text.ToString();
    }

    private static byte[] Json(SurveyedSet set, IReadOnlyList<DataFinding> findings)
    {
        using var stream = new MemoryStream();
        using (var json = new Utf8JsonWriter(stream, new JsonWriterOptions
        {
            Indented = true,
            Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
        }))
        {
            json.WriteStartObject();
            json.WriteString("data", set.Source);
            json.WriteNumber("images", set.Facts.Count);
            WriteCounts(json, set.Facts.Where(image => image.Fault is null));
            json.WriteStartArray("findings");
            foreach (var finding in findings)
            {
                Write(json, finding);
            }

            json.WriteEndArray();
            json.WriteEndObject();
        }

        return stream.ToArray();
    }

    private static void WriteCounts(Utf8JsonWriter json, IEnumerable<ImageFacts> images)
    {
        json.WriteStartObject("formats");
        foreach (var (format, count) in images.CountBy(image => image.Format).OrderBy(format => format.Key))
        {
            json.WriteNumber(format, count);
        }

        json.WriteEndObject();
        json.WriteStartArray("sizes");
        foreach (var (size, count) in images
            .CountBy(image => (image.Width, image.Height))
            .OrderByDescending(size => size.Value)
            .ThenBy(size => size.Key))
        {
            json.WriteStartObject();
            json.WriteNumber("width", size.Width);
            json.WriteNumber("height", size.Height);
            json.WriteNumber("images", count);
            json.WriteEndObject();
        }

        json.WriteEndArray();
    }

    private static void Write(Utf8JsonWriter json, DataFinding finding)
    {
        json.WriteStartObject();
        json.WriteString("finding", finding.Key);
        json.WriteBoolean("problem", finding.IsProblem);
        json.WriteString("cure", finding.Cure);
        json.WriteStartArray("images");
        foreach (var (image, detail) in finding.Images)
        {
            json.WriteStartObject();
            json.WriteString("name", image.Name);
            json.WriteString("detail", detail);
            if (image.Path is { } path)
            {
                json.WriteString("path", path);
            }

            json.WriteEndObject();
        }

        json.WriteEndArray();
        json.WriteEndObject();
    }

    private static string Page(SurveyedSet set, IReadOnlyList<DataFinding> findings)
    {
        var gallery = new Gallery($"Images of {set.Data.Description}");
        foreach (var line in DataDoctor.Summary(set).Take(2))
        {
            gallery.Say(line);
        }

        if (findings.Count == 0)
        {
            gallery.Say("No problem found.");
        }

        foreach (var finding in findings)
        {
            gallery.Add(
                DataDoctor.Sentence(finding, set.Facts.Count),
                [
                    .. finding.Images.Take(MostOfFinding)
                        .Select(found => new GalleryImage(set.Data, found.Image.Index, found.Detail)),
                ],
                note: finding.Cure);
            if (finding.Images.Count > MostOfFinding)
            {
                gallery.Say($"{Plain.Count(finding.Images.Count - MostOfFinding)} more are not shown here.");
            }
        }

        return gallery.ToString();
    }
}
