using System.Globalization;
using System.Xml;
using MoCoSharp.Data.Datasets;

namespace MoCoSharp.Data.Detection;

/// <summary>One annotation file of Pascal VOC: the image's size, and objects with boxes.</summary>
/// <remarks>The file is a stranger's: no document type, no entities, nothing from elsewhere, bounded in size, depth and number of objects.</remarks>
internal sealed class VocAnnotation
{
    private const long LargestFile = 16 << 20;
    private const int MostObjects = 10_000;
    private const int DeepestNesting = 16;

    private static readonly XmlReaderSettings Safely = new()
    {
        DtdProcessing = DtdProcessing.Prohibit, XmlResolver = null, MaxCharactersInDocument = LargestFile, MaxCharactersFromEntities = 1024, IgnoreComments = true, IgnoreWhitespace = true,
    };

    /// <summary>In pixels; 0 where the file does not say.</summary>
    public int Width { get; private set; }

    /// <summary>In pixels; 0 where the file does not say.</summary>
    public int Height { get; private set; }

    /// <summary>Name, corners as written (1-based, both inside; NaN where absent), and whether the object is difficult.</summary>
    public List<(string Name, double Left, double Top, double Right, double Bottom, bool IsDifficult)> Objects { get; } = [];

    /// <summary>Reads a file.</summary>
    /// <exception cref="DataSourceException">It cannot be read, or is no such annotation.</exception>
    public static VocAnnotation Read(string file)
    {
        var annotation = new VocAnnotation();
        try
        {
            using var reader = XmlReader.Create(new MemoryStream(SourceFile.ReadAll(file, LargestFile)), Safely);
            annotation.Read(reader, file);
        }
        catch (XmlException error)
        {
            throw new DataSourceException($"{file}: is no annotation that can be read: {error.Message}", error);
        }

        return annotation;
    }

    // Text by its path below the root, so that the corners of a "part" (a head, a hand) are not taken for the object's.
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
                        throw new DataSourceException($"{file}: {(path.Count == 1 ? $"begins with <{path[0]}>, expected <annotation>" : $"nests deeper than {DeepestNesting}")}. Is it an annotation of Pascal VOC?");
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
            throw new DataSourceException($"{file}: object {Objects.Count + 1} has a name of {name.Length} characters, expected 1 to 256.");
        }

        Objects.Add((name, Corner("xmin"), Corner("ymin"), Corner("xmax"), Corner("ymax"), values.GetValueOrDefault("object/difficult") == "1"));

        double Corner(string key) => double.TryParse(values.GetValueOrDefault("object/bndbox/" + key), NumberStyles.Float, CultureInfo.InvariantCulture, out var value) ? value : double.NaN;
    }

    private static int Pixels(Dictionary<string, string> values, string key) =>
        int.TryParse(values.GetValueOrDefault(key), NumberStyles.None, CultureInfo.InvariantCulture, out var value) ? value : 0;
}
