using System.Text.Encodings.Web;
using System.Text.Json;
using MoCoSharp.Data.Quality;

namespace MoCoSharp.Cli.Quality;

/// <summary>The result of moco duplicates as JSON.</summary>
internal static class DuplicateJson
{
    /// <summary>The whole result, with the images that cannot be read.</summary>
    public static byte[] Write(DuplicateReport report)
    {
        using var stream = new MemoryStream();
        using (var json = new Utf8JsonWriter(stream, new JsonWriterOptions
        {
            Indented = true,
            Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
        }))
        {
            json.WriteStartObject();
            WriteSet(json, "data", report.Set);
            if (report.Other is { } other)
            {
                WriteSet(json, "between", other);
            }

            if (report.Comparison is { } by)
            {
                json.WriteString("encoder", by.Encoder);
                json.WriteString("layer", by.Layer);
                json.WriteNumber("threshold", by.Threshold);
            }

            if (report.Advice is { } advice)
            {
                json.WriteString("advice", advice);
            }

            WriteResult(json, report);
            json.WriteEndObject();
        }

        return stream.ToArray();
    }

    private static void WriteResult(Utf8JsonWriter json, DuplicateReport report)
    {
        json.WriteStartArray(report.Other is null ? "groups" : "pairs");
        foreach (var group in report.Groups)
        {
            json.WriteStartObject();
            WriteImage(json, "keep", group.Kept);
            json.WriteStartArray("others");
            foreach (var other in group.Others)
            {
                WriteImage(json, null, other.Image, (other.Kind, other.Similarity));
            }

            json.WriteEndArray();
            json.WriteEndObject();
        }

        foreach (var leak in report.Leaks)
        {
            json.WriteStartObject();
            WriteImage(json, "image", leak.Image);
            WriteImage(json, "other", leak.Other);
            WriteKind(json, leak.Kind, leak.Similarity);
            json.WriteEndObject();
        }

        json.WriteEndArray();
    }

    private static void WriteSet(Utf8JsonWriter json, string key, SurveyedSet set)
    {
        json.WriteStartObject(key);
        json.WriteString("source", set.Source);
        json.WriteNumber("images", set.Facts.Count);
        json.WriteStartArray("unread");
        foreach (var image in set.Facts.Where(image => image.Fault is not null))
        {
            json.WriteStringValue(image.Name);
        }

        json.WriteEndArray();
        json.WriteEndObject();
    }

    private static void WriteImage(
        Utf8JsonWriter json, string? key, ImageFacts image, (DuplicateKind Kind, double Similarity)? duplicate = null)
    {
        if (key is null)
        {
            json.WriteStartObject();
        }
        else
        {
            json.WriteStartObject(key);
        }

        json.WriteString("name", image.Name);
        if (image.Path is { } path)
        {
            json.WriteString("path", path);
        }

        json.WriteNumber("width", image.Width);
        json.WriteNumber("height", image.Height);
        if (duplicate is var (kind, similarity))
        {
            WriteKind(json, kind, similarity);
        }

        json.WriteEndObject();
    }

    private static void WriteKind(Utf8JsonWriter json, DuplicateKind kind, double similarity)
    {
        json.WriteString("kind", DuplicateFiles.Key(kind));
        json.WriteNumber("similarity", Math.Round(similarity, 6));
    }
}
