using System.Text.Json;
using MoCoSharp.Data.Datasets;
using MoCoSharp.Data.Images;

namespace MoCoSharp.Detection.Datasets;

/// <summary>
/// Reads COCO's instances JSON: images, categories, and annotations with boxes [x, y, width, height]. Outlines are
/// ignored.
/// </summary>
internal static class CocoSource
{
    private const long LargestFile = 2L << 30;
    private static readonly JsonDocumentOptions Strict = new() { MaxDepth = 32 };

    /// <summary>Reads a file and finds the images. They are opened only if the file does not give their size.</summary>
    /// <param name="file">Path of the JSON file.</param>
    /// <param name="images">Folder of the images.</param>
    /// <exception cref="DataSourceException">The file cannot be used. Up to ten faults are reported.</exception>
    public static BoxedImages Read(string file, string images)
    {
        if (!Directory.Exists(images))
        {
            throw new DataSourceException(
                $"{images}: there is no such folder of images for {file}. Name it after the file: coco:{file}@FOLDER."
            );
        }

        using var document = Parse(file);
        return new CocoReader(file, images).Read(document.RootElement);
    }

    private static JsonDocument Parse(string file)
    {
        try
        {
            using var stream = SourceFile.Open(file);
            if (stream.Length > LargestFile)
            {
                throw new DataSourceException(
                    $"{file}: {stream.Length} bytes, expected at most {LargestFile}. Is it the right file?");
            }

            return JsonDocument.Parse(stream, Strict);
        }
        catch (JsonException error)
        {
            throw new DataSourceException($"{file}: {Reason(file, error)}", error);
        }
    }

    private static string Reason(string file, JsonException error)
    {
        var head = new byte[FileSignature.HeadBytes];
        using var stream = SourceFile.Open(file);
        var length = stream.ReadAtLeast(head, head.Length, throwOnEndOfStream: false);
        var known = FileSignature.Describe(head.AsSpan(0, length));
        if (known is not null && !known.StartsWith("a JSON text", StringComparison.Ordinal))
        {
            return $"expected COCO's instances JSON; it is {known}";
        }

        return head is [0xFF, 0xFE, ..] or [0xFE, 0xFF, ..]
            ? "is written in UTF-16, expected UTF-8. Save it again in that encoding."
            : $"is not valid JSON at line {error.LineNumber + 1}, byte {error.BytePositionInLine + 1}. " +
                "A file cut short, a comma too many, a comment, or NaN or Infinity, which JSON does not have?";
    }
}
