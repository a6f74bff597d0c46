using MoCoSharp.Data;
using MoCoSharp.Data.Datasets;

namespace MoCoSharp.Detection.Datasets;

/// <summary>Opens the source of images with boxes that --data names.</summary>
internal static class DetectionSource
{
    private const string Kinds =
        "voc:DIR (with ImageSets, Annotations and JPEGImages, or with VOC2007 and VOC2012 in it), " +
        "voc:DIR@SET,DIR@SET, coco:DIR (with annotations/instances_*.json) or coco:FILE.json@IMAGES";

    private static readonly string[] Years = ["VOC2007", "VOC2012"];
    private static readonly string[] Trained = ["trainval", "train"];
    private static readonly string[] JudgedSets = ["test", "val", "valid", "validation", "dev", "eval"];

    // "val" is also the start of "valid" and "validation".
    private static readonly string[] JudgedFiles = ["val", "dev", "eval", "test"];

    /// <summary>Opens the training images, and test images with the same classes.</summary>
    /// <param name="source">voc:... or coco:...</param>
    /// <param name="validation">Another source of test images; null uses the test part of the source.</param>
    /// <returns>The test images are null if there are none.</returns>
    /// <exception cref="DataSourceException">A source cannot be used.</exception>
    public static (BoxedImages Train, BoxedImages? Judged) Open(string source, string? validation)
    {
        ArgumentException.ThrowIfNullOrEmpty(source);
        var (train, judged) = Parts(source);
        if (validation is not null)
        {
            var (first, second) = Parts(validation);
            judged = second is not null && !IsExact(validation) ? second : first;
        }

        var learned = train();
        return (learned, judged?.Invoke().WithClasses(learned.ClassNames).WithOverlapTold(learned));
    }

    /// <summary>
    /// Whether a source is in COCO's format; otherwise it is in VOC's. It chooses the metric if none is set.
    /// </summary>
    public static bool IsCoco(string source)
    {
        ArgumentNullException.ThrowIfNull(source);
        return source.StartsWith("coco:", StringComparison.Ordinal);
    }

    // A named set must exist. A folder alone means any of its sets.
    private static bool IsExact(string source) =>
        source.Contains('@') || source.EndsWith(".json", StringComparison.Ordinal);

    private static (Func<BoxedImages> Train, Func<BoxedImages>? Judged) Parts(string source)
    {
        var colon = source.IndexOf(':');
        var (kind, path) = colon < 0 ? ("", source) : (source[..colon], source[(colon + 1)..]);
        return kind switch
        {
            "voc" when path.Length > 0 => Voc(source, path),
            "coco" when path.Length > 0 => Coco(source, path),
            _ => throw new DataSourceException(
                $"{source}: is not a source with boxes.{Suggestion(source, kind, path)} Expected {Kinds}."),
        };
    }

    private static string Suggestion(string source, string kind, string path) =>
        kind.Length > 0 && path.Length > 0 && NearestWord.Find(kind, ["voc", "coco"]) is { } known
            ? $" Did you mean {known}:{path}?"
        : Directory.Exists(source)
            ? $" Did you mean {(Directory.Exists(Path.Combine(source, "annotations")) ? "coco" : "voc")}:{source}?"
        : "";

    private static (Func<BoxedImages> Train, Func<BoxedImages>? Judged) Voc(string source, string path)
    {
        var parts = path.Split(',').Select(part => part.Split('@')).ToList();
        if (parts.Any(part => part.Length > 2 || part.Any(string.IsNullOrWhiteSpace)))
        {
            throw new DataSourceException($"{source}: expected {Kinds}.");
        }

        // The benchmark's folder: train on both years, test on 2007.
        if (
            parts is [[var devkit]]
            && VocSource.Sets(devkit).Count == 0
            && VocSource.Sets(Path.Combine(devkit, "VOC2007")).Count > 0)
        {
            string[] years =
            [
                .. Years
                    .Select(year => Path.Combine(devkit, year))
                    .Where(folder => VocSource.Sets(folder).Contains("trainval")),
            ];
            parts = [.. years.Select(folder => new[] { folder })];
        }

        var named = parts
            .Select(part => (Folder: part[0], Set: part.Length == 2 ? part[1] : Choose(part[0], Trained, source)))
            .ToList();
        foreach (var (folder, set) in named)
        {
            if (set is null || !VocSource.Sets(folder).Contains(set))
            {
                var known = VocSource.Sets(folder);
                throw new DataSourceException(
                    $"{source}: {folder} has no ImageSets/Main/{set ?? "trainval"}.txt. "
                        + (
                            known.Count == 0
                                ? $"Expected {Kinds}."
                                : $"It has {string.Join(", ", known)}: name one as {folder}@{known[0]}."));
            }
        }

        // The test set of "trainval" is only "test": "val" is a part of "trainval".
        var test = named
            .Select(part =>
                (part.Folder, Set: Choose(part.Folder, Same(part.Set!, "trainval") ? ["test"] : JudgedSets, source)))
            .FirstOrDefault(part => part.Set is not null && part.Set != named[0].Set);
        return (
            () => VocSource.Read(source, [.. named.Select(part => (part.Folder, part.Set!))]),
            test.Set is null ? null : () => VocSource.Read($"voc:{test.Folder}@{test.Set}", [(test.Folder, test.Set)]));
    }

    private static string? Choose(string folder, string[] wanted, string source)
    {
        if (!Directory.Exists(folder))
        {
            throw new DataSourceException($"{source}: there is no folder {folder}.");
        }

        var sets = VocSource.Sets(folder);
        return wanted.Select(name => sets.Contains(name) ? name : sets.FirstOrDefault(set => Same(set, name)))
            .FirstOrDefault(set => set is not null);
    }

    private static (Func<BoxedImages> Train, Func<BoxedImages>? Judged) Coco(string source, string path)
    {
        if (path.Split('@') is [var file, var images])
        {
            return (() => CocoSource.Read(file, images), null);
        }

        var annotations = Path.Combine(path, "annotations");
        if (!Directory.Exists(annotations))
        {
            throw new DataSourceException($"{source}: there is no folder {annotations}. {OtherJson(path)}");
        }

        var found = Directory.GetFiles(annotations, "instances_*.json").Order(StringComparer.Ordinal).ToList();
        var train = found.FirstOrDefault(name => Begins(name, "train"))
            ?? throw new DataSourceException(
                $"{source}: {annotations} has no instances_train*.json. {OtherJson(path)}");
        var judged = JudgedFiles.Select(part => found.FirstOrDefault(name => Begins(name, part)))
            .FirstOrDefault(name => name is not null);
        return (() => Read(train), judged is null ? null : () => Read(judged));

        BoxedImages Read(string name) =>
            CocoSource.Read(
                name,
                new[] { Suffix(name), Path.Combine("images", Suffix(name)), "images" }
            .Select(folder => Path.Combine(path, folder))
            .FirstOrDefault(Directory.Exists)
            ?? Path.Combine(path, Suffix(name)));

        static bool Begins(string name, string part) =>
            Suffix(name).StartsWith(part, StringComparison.OrdinalIgnoreCase);

        static string Suffix(string name) => Path.GetFileNameWithoutExtension(name)["instances_".Length..];
    }

    // Suggests the other files in the folder.
    private static string OtherJson(string path)
    {
        string[] folders = Directory.Exists(path)
            ?
            [
                path,
                .. Directory.GetDirectories(path).Where(folder => !ImageEndings.IsHidden(Path.GetFileName(folder))),
            ]
            : [];
        var found = folders.SelectMany(folder => Directory.GetFiles(folder, "*.json")).Order(StringComparer.Ordinal)
            .Take(3).Select(file => $"coco:{file}@{Path.GetDirectoryName(file)}").ToList();
        return found.Count == 0
            ? $"Expected {Kinds}."
            : "Name a file and the folder of its images, and with --val those to test on: " +
                $"{string.Join(", ", found)}.";
    }

    private static bool Same(string name, string other) => name.Equals(other, StringComparison.OrdinalIgnoreCase);
}
