using System.Globalization;
using System.Text;
using System.Xml;
using MoCoSharp.Data.Datasets;
using MoCoSharp.Data.Images;

namespace MoCoSharp.Detection.Datasets;

/// <summary>An object as written in the file.</summary>
/// <param name="Name">Name of the class.</param>
/// <param name="Left">xmin, counted from 1 and inclusive; NaN if it is not a number.</param>
/// <param name="Top">ymin, in the same way.</param>
/// <param name="Right">xmax, in the same way.</param>
/// <param name="Bottom">ymax, in the same way.</param>
/// <param name="Difficult">Text of the flag; null if there is none.</param>
/// <param name="Fault">The first corner that is not a number, and its text; empty if all four are numbers.</param>
internal sealed record VocObject(
    string Name, double Left, double Top, double Right, double Bottom, string? Difficult, string Fault);

/// <summary>An annotation file of Pascal VOC: the image's size, and objects with boxes.</summary>
/// <remarks>
/// The file is untrusted: document types, entities and external references are refused. Size, depth and number of
/// objects are limited.
/// </remarks>
internal sealed class VocAnnotation
{
    private const long LargestFile = 16 << 20;
    private const int MostObjects = 10_000;
    private const int DeepestNesting = 16;
    private const int LongestDeclaration = 200; // in bytes, from the start of the file

    private static readonly string[] Corners = ["xmin", "ymin", "xmax", "ymax"];

    private static readonly XmlReaderSettings Safely = new()
    {
        DtdProcessing = DtdProcessing.Prohibit,
        XmlResolver = null,
        MaxCharactersInDocument = LargestFile,
        MaxCharactersFromEntities = 1024,
        IgnoreComments = true,
        IgnoreWhitespace = true,
    };

    /// <summary>Width in pixels; 0 if the file does not give it.</summary>
    public int Width { get; private set; }

    /// <summary>Height in pixels; 0 if the file does not give it.</summary>
    public int Height { get; private set; }

    /// <summary>The image name in the file; empty if there is none. It is not used to find the image.</summary>
    public string FileName { get; private set; } = "";

    /// <summary>The objects, in the order of the file.</summary>
    public List<VocObject> Objects { get; } = [];

    /// <summary>Reads a file.</summary>
    /// <exception cref="DataSourceException">The file cannot be read, or is not an annotation.</exception>
    public static VocAnnotation Read(string file)
    {
        var annotation = new VocAnnotation();
        var bytes = SourceFile.ReadAll(file, LargestFile);
        try
        {
            using var reader = Open(bytes);
            annotation.Read(reader, file);
        }
        catch (XmlException error)
        {
            throw new DataSourceException($"{file}: {Reason(bytes, error)}", error);
        }

        return annotation;
    }

    // Decodes encodings that .NET's XML reader does not support, such as GB2312.
    private static XmlReader Open(byte[] bytes)
    {
        var head = Encoding.Latin1.GetString(bytes.AsSpan(0, Math.Min(bytes.Length, LongestDeclaration)));
        var declared = head.Split("?>")[0].Split("encoding=") is [_, [var quote and ('"' or '\''), .. var rest]]
            ? rest.Split(quote)[0]
            : "";
        return declared.Length > 0 && CodePagesEncodingProvider.Instance.GetEncoding(declared) is { } encoding
            ? XmlReader.Create(new StringReader(encoding.GetString(bytes)), Safely)
            : XmlReader.Create(new MemoryStream(bytes), Safely);
    }

    private static string Reason(byte[] bytes, XmlException error)
    {
        var head = bytes.AsSpan(0, Math.Min(bytes.Length, FileSignature.HeadBytes));
        if (!head.ContainsAnyExcept(" \t\r\n"u8))
        {
            return "is empty. Download or copy it again. An image without objects has <annotation></annotation>.";
        }

        if (FileSignature.Describe(head) is { } known && !known.StartsWith("an XML file", StringComparison.Ordinal))
        {
            return $"expected an annotation of Pascal VOC (XML); it is {known}";
        }

        return bytes.AsSpan().IndexOf("<!DOCTYPE"u8) >= 0
            ? "has a document type (<!DOCTYPE ...>), which is not read from a file of unknown origin. " +
                "Delete it; annotations need none."
            : "cannot be read as an annotation: " +
                $"not well-formed XML at line {error.LineNumber}, character {error.LinePosition}. " +
                "Is a tag not closed, a & or < not escaped, the encoding wrong, or the file cut short?";
    }

    // Texts by their path below the root, so that the corners of a "part" (a head, a hand) are not read as the
    // object's.
    private void Read(XmlReader reader, string file)
    {
        var path = new List<string>();
        var values = new Dictionary<string, string>(StringComparer.Ordinal);
        while (reader.Read())
        {
            switch (reader.NodeType)
            {
                case XmlNodeType.Element:
                    path.Add(reader.LocalName);
                    if (path.Count > DeepestNesting || (path.Count == 1 && path[0] != "annotation"))
                    {
                        var fault = path.Count == 1
                            ? $"begins with <{path[0]}>, expected <annotation>"
                            : $"nests deeper than {DeepestNesting}";
                        throw new DataSourceException($"{file}: {fault}. Is it an annotation of Pascal VOC?");
                    }

                    if (path is [_, "object"])
                    {
                        values.Clear();
                    }

                    if (reader.IsEmptyElement)
                    {
                        path.RemoveAt(path.Count - 1);
                    }

                    break;
                case XmlNodeType.Text or XmlNodeType.CDATA when path is [_, "filename"]:
                    FileName = reader.Value.Trim();
                    break;
                case XmlNodeType.Text or XmlNodeType.CDATA when path.Count > 1:
                    values[string.Join('/', path.Skip(1))] = reader.Value.Trim();
                    break;
                case XmlNodeType.EndElement:
                    if (path is [_, "object"])
                    {
                        Add(values, file);
                    }
                    else if (path is [_, "size"])
                    {
                        (Width, Height) = (Pixels(values, "size/width"), Pixels(values, "size/height"));
                    }

                    path.RemoveAt(path.Count - 1);
                    break;
            }
        }
    }

    private void Add(Dictionary<string, string> values, string file)
    {
        if (Objects.Count == MostObjects)
        {
            throw new DataSourceException($"{file}: has more than {MostObjects} objects.");
        }

        var name = values.GetValueOrDefault("object/name", "");
        if (name.Length is 0 or > 256)
        {
            throw new DataSourceException(
                $"{file}: object {Objects.Count + 1} has a name of {name.Length} characters, expected 1 to 256.");
        }

        var corners = Corners.Select(Corner).ToArray();
        var bad = Corners.Zip(corners).FirstOrDefault(corner => double.IsNaN(corner.Second)).First;
        var fault = bad is null ? "" : Text(bad) is { } text ? $"{bad} \"{BoxNotices.Shortened(text)}\"" : $"no {bad}";
        Objects.Add(new VocObject(
            name, corners[0], corners[1], corners[2], corners[3], values.GetValueOrDefault("object/difficult"), fault));

        string? Text(string key) => values.GetValueOrDefault("object/bndbox/" + key);
        double Corner(string key) =>
            double.TryParse(Text(key), NumberStyles.Float, CultureInfo.InvariantCulture, out var value)
                ? value
                : double.NaN;
    }

    private static int Pixels(Dictionary<string, string> values, string key) =>
        int.TryParse(values.GetValueOrDefault(key), NumberStyles.None, CultureInfo.InvariantCulture, out var value)
            ? value
            : 0;
}
