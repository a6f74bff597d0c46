namespace MoCoSharp.Data.Datasets;

/// <summary>The training part and the part to judge by, where a folder holds both by their usual names.</summary>
/// <param name="Train">The folder to learn from.</param>
/// <param name="Seconds">Folders to judge by, the one that is taken first.</param>
/// <param name="Others">Names of folders beside them, which take no part.</param>
internal sealed record SplitFolders(string Train, IReadOnlyList<string> Seconds, IReadOnlyList<string> Others)
{
    private const int DeepestWrapping = 3;
    private const int YearDigits = 4;

    private static readonly string[] TrainNames = ["train", "training"];
    private static readonly string[] SecondNames =
    [
        "val", "valid", "validation", "dev", "eval", "evaluation", "test", "testing",
    ]; // the first is taken

    /// <summary>
    /// Looks for folders named train, and val, valid, validation, dev, eval or test, in any case of letters, with or
    /// without a year.
    /// </summary>
    /// <returns>Null where the folder is one set.</returns>
    /// <exception cref="DataSourceException">
    /// Folders are named like parts, and which is which is not clear: they would be taken as classes.
    /// </exception>
    public static SplitFolders? Find(string path, int depth = 0)
    {
        var folders = FolderScan.FoldersIn(path);
        var trains = folders.Where(IsTrain).ToArray();
        var seconds = folders.Where(name => Rank(name) >= 0).OrderBy(Rank).ToArray(); // stable: ordinal within a rank
        string[] parts = [.. trains, .. seconds];
        if (trains.Length > 0 && seconds.Length > 0)
        {
            RefuseTwo(path, trains);
            RefuseTwo(path, [.. seconds.Where(name => Rank(name) == Rank(seconds[0]))]);
        }

        // A lone "train" among other folders may be a class: of vehicles, say.
        if (trains.Length == 1 && (seconds.Length > 0 || folders.Length == 1))
        {
            return new SplitFolders(
                Path.Combine(path, trains[0]),
                [.. seconds.Select(name => Path.Combine(path, name))],
                [.. folders.Except(parts)]);
        }

        if (parts.Length > 0)
        {
            RefuseAsClasses(path, folders, parts);
        }

        // A folder around the set, as archives leave it.
        return parts.Length == 0 && folders.Length == 1 && depth < DeepestWrapping && !HoldsImages(path)
            ? Find(Path.Combine(path, folders[0]), depth + 1)
            : null;
    }

    /// <summary>
    /// Two folders named like parts that images lie in, below other folders; null where there are none.
    /// </summary>
    /// <param name="files">Relative paths with '/'.</param>
    public static (string Train, string Second)? PartsBelow(IEnumerable<string> files)
    {
        var (train, second) = ((string?)null, (string?)null);
        var before = "";
        foreach (var file in files)
        {
            var folder = file[..Math.Max(0, file.LastIndexOf('/'))];
            if (folder == before)
            {
                continue;
            }

            before = folder;
            for (var end = folder.IndexOf('/'); end >= 0;)
            {
                var start = end + 1;
                end = folder.IndexOf('/', start);
                var (name, path) = end < 0 ? (folder[start..], folder) : (folder[start..end], folder[..end]);
                train ??= IsTrain(name) ? path : null;
                second ??= Rank(name) >= 0 ? path : null;
            }

            if (train is not null && second is not null)
            {
                return (train, second);
            }
        }

        return null;
    }

    private static bool IsTrain(string name) => TrainNames.Contains(Plain(name));

    // 0 and up for a part to judge by, the best first; -1 for another folder.
    private static int Rank(string name) => Array.IndexOf(SecondNames, Plain(name));

    // "Val2017" and "val_2017" are "val".
    private static string Plain(string name)
    {
        var isDated =
            name.Length > YearDigits && name.AsSpan(name.Length - YearDigits).IndexOfAnyExceptInRange('0', '9') < 0;
        return (isDated ? name[..^YearDigits].TrimEnd('_', '-', ' ') : name).ToLowerInvariant();
    }

    private static void RefuseTwo(string path, string[] names)
    {
        if (names.Length > 1)
        {
            throw new DataSourceException(
                $"{path}: the folders {string.Join(" and ", names)} could both be the same part. "
                    + $"Name the parts: --data {Path.Combine(path, names[0])} --val ...");
        }
    }

    private static void RefuseAsClasses(string path, string[] folders, string[] parts)
    {
        var below = parts.ToDictionary(
            name => name,
            name => FolderScan.FoldersIn(Path.Combine(path, name)),
            StringComparer.Ordinal);
        foreach (var part in parts)
        {
            var others = folders
                .Except(parts)
                .Concat(below.Where(other => other.Key != part).SelectMany(other => other.Value));
            var shared = below[part].Intersect(others, StringComparer.OrdinalIgnoreCase).ToList();
            if (shared.Count > 0)
            {
                throw new DataSourceException(
                    $"{path}: {part} is named like a part of a set, and holds folders that stand elsewhere too "
                        + $"({DataNotice.Some(shared)}): it is no class. Name the parts: --data FOLDER --val " +
                            $"{Path.Combine(path, part)}, "
                        + "or put the training images into a folder train beside it.");
            }
        }

        if (parts.Length > 1 && parts.Length == folders.Length)
        {
            throw new DataSourceException(
                $"{path}: holds {string.Join(" and ", parts)}, which are named like parts of a set, not like classes. "
                    + $"Name what to learn from: --data {Path.Combine(path, parts[0])}");
        }
    }

    private static bool HoldsImages(string path) => SourceFile.Guard(path, () =>
        new DirectoryInfo(path)
            .EnumerateFiles()
            .Any(file => ImageEndings.IsImage(file.Extension) && !ImageEndings.IsHidden(file)));
}
