using System.Globalization;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using MoCoSharp.Cli.CommandLine;
using MoCoSharp.Cli.FeatureFiles;
using MoCoSharp.Cli.Quality;
using MoCoSharp.Evaluation;
using MoCoSharp.PyTorch;

namespace MoCoSharp.Cli.Searching;

/// <summary>Writes similar images: as a table, CSV, JSON, a page or a contact sheet.</summary>
internal static class SearchOutput
{
    /// <summary>The most neighbors of a query that a picture shows.</summary>
    public const int MostInPicture = 100;

    private static readonly string[] Endings = [".html", ".json", ".csv", ".png", ".jpg"];

    /// <summary>Faults of -o, one sentence each. Nothing is written.</summary>
    /// <param name="path">-o; null prints a table.</param>
    /// <param name="force">Whether an existing file is replaced.</param>
    /// <param name="k">Neighbors of each query.</param>
    public static IEnumerable<string> Faults(string? path, bool force, int k)
    {
        if (path is null)
        {
            yield break;
        }

        foreach (var fault in OutputFaults.Find(path, Endings, force))
        {
            yield return fault;
        }

        if (IsPicture(path) && k > MostInPicture)
        {
            yield return $"-k is {k}, expected at most {MostInPicture} for a {Ending(path)} file; .csv and .json " +
                "take more.";
        }
    }

    /// <summary>Writes a file by its ending. It gets its name when it is complete.</summary>
    /// <param name="path">The file.</param>
    /// <param name="result">The similar images.</param>
    /// <param name="title">The heading of a page or sheet.</param>
    /// <param name="summary">The sentence below the heading of a page.</param>
    public static void Write(string path, ImageSearchResult result, string title, string summary)
    {
        var unfinished = Path.Combine(
            Path.GetDirectoryName(Path.GetFullPath(path))!,
            $".unfinished-{Environment.ProcessId}{Path.GetExtension(path)}");
        try
        {
            using (var file = File.Create(unfinished))
            {
                file.Write(Ending(path) switch
                {
                    ".csv" => Encoding.UTF8.GetBytes(Csv(result)),
                    ".json" => Json(result),
                    _ => SearchPictures.Create(Ending(path), result, title, summary),
                });
            }

            AtomicFile.Replace(unfinished, path);
        }
        finally
        {
            File.Delete(unfinished);
        }
    }

    /// <summary>A line for each neighbor, in columns separated by tabs, below a line of titles.</summary>
    public static string Table(ImageSearchResult result) => Lines(result, "\t", "F4", Plain.Text);

    private static string Csv(ImageSearchResult result) => Lines(result, ",", "F6", CsvWriter.Quoted);

    private static bool IsPicture(string path) => Ending(path) is ".html" or ".png" or ".jpg";

    private static string Ending(string path) => Path.GetExtension(path).ToLowerInvariant();

    private static string Lines(ImageSearchResult result, string separator, string format, Func<string, string> quoted)
    {
        var lines = new StringBuilder(string.Join(separator, "query", "rank", "similarity", "name")).Append('\n');
        foreach (var query in result.Queries)
        {
            var rank = 0;
            foreach (var neighbor in query.Neighbors)
            {
                var similarity = neighbor.Similarity.ToString(format, CultureInfo.InvariantCulture);
                lines.AppendJoin(separator, quoted(query.Name), ++rank, similarity, quoted(neighbor.Name))
                    .Append('\n');
            }
        }

        return lines.ToString();
    }


    private static byte[] Json(ImageSearchResult result)
    {
        using var memory = new MemoryStream();
        using (var json = new Utf8JsonWriter(
            memory,
            new JsonWriterOptions { Indented = true, Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping }))
        {
            json.WriteStartArray();
            foreach (var query in result.Queries)
            {
                json.WriteStartObject();
                json.WriteString("query", query.Name);
                json.WriteStartArray("neighbors");
                foreach (var neighbor in query.Neighbors)
                {
                    json.WriteStartObject();
                    json.WriteString("name", neighbor.Name);
                    json.WriteNumber("similarity", Math.Round(neighbor.Similarity, 6));
                    json.WriteEndObject();
                }

                json.WriteEndArray();
                json.WriteEndObject();
            }

            json.WriteEndArray();
        }

        return [.. memory.ToArray(), (byte)'\n'];
    }
}
