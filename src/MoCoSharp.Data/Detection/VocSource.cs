using MoCoSharp.Data.Datasets;
using MoCoSharp.Data.Images;

namespace MoCoSharp.Data.Detection;

/// <summary>Pascal VOC folders: Annotations/ID.xml, JPEGImages/ID.jpg, and ImageSets/Main/SET.txt with an id a line.</summary>
/// <remarks>
/// Corners are counted from 1 and both lie inside; a box here is [xmin - 1, xmax) x [ymin - 1, ymax), as detectron2 takes it. An image is found
/// by its id, never by the name in its annotation.
/// </remarks>
internal static class VocSource
{
    private const long LargestList = 64 << 20;
    private static readonly string[] Endings = [".jpg", ".jpeg", ".JPG", ".JPEG", ".png", ".PNG", ".bmp", ".webp"];

    /// <summary>The sets of a folder; empty where it is no VOC folder.</summary>
    public static IReadOnlyList<string> Sets(string folder)
    {
        var main = Path.Combine(folder, "ImageSets", "Main");
        return Directory.Exists(main) ? [.. Directory.GetFiles(main, "*.txt").Select(path => Path.GetFileNameWithoutExtension(path)).Order(StringComparer.Ordinal)] : [];
    }

    /// <summary>Reads the annotations of one or more parts.</summary>
    /// <param name="description">What a person calls them.</param>
    /// <param name="parts">Folders, and which set of each.</param>
    /// <exception cref="DataSourceException">They cannot be read; every fault is told, up to ten.</exception>
    public static BoxedImages Read(string description, IReadOnlyList<(string Folder, string Set)> parts)
    {
        var notices = new Tally(description);
        var faults = new List<string>();
        var read = new List<(string File, string Name, int Width, int Height, VocAnnotation Annotation)>();
        foreach (var (folder, set) in parts)
        {
            foreach (var id in Ids(folder, set, faults))
            {
                try
                {
                    read.Add(ReadOne(folder, id, parts.Count > 1));
                }
                catch (DataSourceException error)
                {
                    faults.Add(error.Message);
                }

                if (faults.Count > 10)
                {
                    break;
                }
            }
        }

        if (faults.Count > 0)
        {
            throw new DataSourceException(string.Join(Environment.NewLine, faults.Take(10)) + (faults.Count > 10 ? Environment.NewLine + "And more." : "") +
                Environment.NewLine + "Mend them, or take these images out of the lists in ImageSets/Main.");
        }

        if (read.Count == 0)
        {
            throw new DataSourceException($"{description}: names no image.");
        }

        var names = read.SelectMany(item => item.Annotation.Objects).Select(item => item.Name).Distinct(StringComparer.Ordinal).Order(StringComparer.Ordinal).ToList();
        var labels = names.Select((name, label) => (name, label)).ToDictionary(item => item.name, item => item.label, StringComparer.Ordinal);
        var images = read.Select(item => new BoxedImage(item.File, item.Name, item.Width, item.Height, [.. Boxes(item.Annotation, item.Name, item.Width, item.Height, labels, notices)])).ToList();
        return new BoxedImages(description, names, images, notices.Sentences());
    }

    private static IEnumerable<ObjectBox> Boxes(VocAnnotation annotation, string id, int width, int height, Dictionary<string, int> labels, Tally notices)
    {
        foreach (var (name, left, top, right, bottom, isDifficult) in annotation.Objects)
        {
            if (notices.Inside(new ObjectBox(left - 1, top - 1, right, bottom, labels[name]) { IsDifficult = isDifficult }, width, height, $"a {name} of {id}") is { } box)
            {
                yield return box;
            }
        }
    }

    private static (string File, string Name, int Width, int Height, VocAnnotation Annotation) ReadOne(string folder, string id, bool hasSeveral)
    {
        var annotation = VocAnnotation.Read(Path.Combine(folder, "Annotations", id + ".xml"));
        var file = Endings.Select(ending => Path.Combine(folder, "JPEGImages", id + ending)).FirstOrDefault(File.Exists)
            ?? throw new DataSourceException($"{Path.Combine(folder, "JPEGImages", id)}: there is no such image (.jpg, .png, .bmp or .webp).");
        var (width, height) = (annotation.Width, annotation.Height);
        if (width == 0 || height == 0)
        {
            (width, height) = ImageSize.Read(file); // not said: taken from the image
        }

        return (file, hasSeveral ? $"{Path.GetFileName(Path.TrimEndingDirectorySeparator(folder))}/{id}" : id, width, height, annotation);
    }

    // Lines of class sets have a second column, 1 or -1 or 0; the id stands first.
    private static IEnumerable<string> Ids(string folder, string set, List<string> faults)
    {
        var path = Path.Combine(folder, "ImageSets", "Main", set + ".txt");
        using var reader = new StreamReader(new MemoryStream(SourceFile.ReadAll(path, LargestList)));
        for (var number = 1; reader.ReadLine() is { } line; number++)
        {
            var id = line.Split(' ', '\t')[0].Trim();
            if (id.Length == 0)
            {
                continue;
            }

            if (id.Length > 255 || id.Contains('/') || id.Contains('\\') || id.Contains('\0') || id is "." or "..")
            {
                faults.Add($"{path}, line {number}: is no id of an image: expected a file name without folder and ending.");
                yield break;
            }

            yield return id;
        }
    }
}
