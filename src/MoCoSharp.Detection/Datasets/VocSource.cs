using MoCoSharp.Data.Datasets;

namespace MoCoSharp.Detection.Datasets;

/// <summary>
/// Reads Pascal VOC folders: Annotations/ID.xml, JPEGImages/ID.jpg, and ImageSets/Main/SET.txt with an id a line.
/// </summary>
/// <remarks>
/// VOC counts corners from 1, inclusive. A box here is [xmin - 1, xmax) x [ymin - 1, ymax), as in detectron2. An image
/// is found by its id, never by the name in its annotation.
/// </remarks>
internal static class VocSource
{
    private const int FaultsTold = 10;

    /// <summary>The sets of a folder; empty if it is not a VOC folder.</summary>
    public static IReadOnlyList<string> Sets(string folder)
    {
        var main = Path.Combine(folder, "ImageSets", "Main");
        var lists = Directory.Exists(main) ? Directory.GetFiles(main, "*.txt") : [];
        return [.. lists.Select(path => Path.GetFileNameWithoutExtension(path)).Where(name => !name.StartsWith('.'))
            .Order(StringComparer.Ordinal)];
    }

    /// <summary>Reads the annotations of one or more parts.</summary>
    /// <param name="description">Name of the parts in messages.</param>
    /// <param name="parts">The folders, with a set of each.</param>
    /// <exception cref="DataSourceException">They cannot be read. Up to ten faults are reported.</exception>
    public static BoxedImages Read(string description, IReadOnlyList<(string Folder, string Set)> parts)
    {
        var notices = new Tally(description);
        var missing = new Tally(description);
        var faults = new List<string>();
        var read = new List<Item>();
        foreach (var sets in parts.GroupBy(part => part.Folder, part => part.Set))
        {
            var folder = sets.Key;
            var annotations = Path.Combine(folder, "Annotations");
            if (!Directory.Exists(annotations))
            {
                throw new DataSourceException($"{annotations}: there is no such folder of annotations.");
            }

            var images = new VocImages(Path.Combine(folder, "JPEGImages"));
            var seen = new HashSet<string>(StringComparer.Ordinal);
            foreach (var set in sets)
            {
                var list = Path.Combine(folder, "ImageSets", "Main", set + ".txt");
                foreach (var id in VocIds.Read(list, annotations, notices))
                {
                    if (!seen.Add(id))
                    {
                        notices.Add("ids occur in more than one of the lists, and count once", id);
                    }
                    else if (!File.Exists(Path.Combine(annotations, id + ".xml")))
                    {
                        missing.Add($"ids of {set}.txt have no annotation in {annotations}", id + ".xml");
                    }
                    else if (images.Find(id, notices) is not { } file)
                    {
                        missing.Add(
                            $"ids of {set}.txt have an annotation, but no image in {folder}/JPEGImages " +
                            $"({string.Join(", ", VocImages.Endings)})",
                            id);
                    }
                    else
                    {
                        Add(folder, id, file);
                    }
                }
            }
        }

        faults.InsertRange(0, missing.Sentences());
        if (faults.Count > 0)
        {
            throw new DataSourceException(string.Join(Environment.NewLine, faults.Take(FaultsTold)) +
                (faults.Count > FaultsTold ? $"{Environment.NewLine}And {faults.Count - FaultsTold} more." : "") +
                Environment.NewLine + "Fix them, or remove these images from the lists in ImageSets/Main.");
        }

        if (read.Count == 0)
        {
            throw new DataSourceException($"{description}: names no image.");
        }

        var names = read.SelectMany(item => item.Annotation.Objects)
            .Select(item => item.Name)
            .Distinct(StringComparer.Ordinal)
            .Order(StringComparer.Ordinal)
            .ToList();
        notices.Alike(names);
        var labels = names
            .Select((name, label) => (name, label))
            .ToDictionary(item => item.name, item => item.label, StringComparer.Ordinal);
        var all = read.Select(item => new BoxedImage(
                item.File, item.Name, item.Width, item.Height, [.. Boxes(item, labels, notices)]))
            .ToList();
        return new BoxedImages(description, names, all, notices.Sentences());

        void Add(string folder, string id, string file)
        {
            try
            {
                var annotation = VocAnnotation.Read(Path.Combine(folder, "Annotations", id + ".xml"));
                var said = annotation.FileName;
                var stem = Path.GetFileNameWithoutExtension(said.Replace('\\', '/'));
                if (said.Length > 0 && said != id && !id.Equals(stem, StringComparison.OrdinalIgnoreCase))
                {
                    notices.Add(
                        "annotations name another image; images are found by the name of the annotation file",
                        $"{id}.xml (\"{BoxNotices.Shortened(said)}\")");
                }

                var (width, height) = (annotation.Width, annotation.Height);
                if (width == 0 || height == 0)
                {
                    (width, height) = ImageSize.Read(file); // no size in the annotation: read from the image
                }

                var root = Path.GetFileName(Path.TrimEndingDirectorySeparator(folder));
                read.Add(new Item(file, parts.Count > 1 ? $"{root}/{id}" : id, width, height, annotation));
            }
            catch (DataSourceException error)
            {
                faults.Add(error.Message);
            }
        }
    }

    private static IEnumerable<ObjectBox> Boxes(Item item, Dictionary<string, int> labels, Tally notices)
    {
        foreach (var found in item.Annotation.Objects)
        {
            var place = $"a {found.Name} of {item.Name}";
            var box = new ObjectBox(found.Left - 1, found.Top - 1, found.Right, found.Bottom, labels[found.Name])
            {
                IsDifficult = notices.Flag("difficult", found.Difficult, place),
            };
            place = found.Fault.Length > 0 ? $"{place}, {found.Fault}" : place;
            if (notices.Inside(box, item.Width, item.Height, place) is { } inside)
            {
                yield return inside;
            }
        }
    }

    private sealed record Item(string File, string Name, int Width, int Height, VocAnnotation Annotation);
}
