namespace MoCoSharp.Data.Datasets;

/// <summary>The training and validation parts of a folder, recognized by common folder names.</summary>
/// <param name="Train">The folder of training images.</param>
/// <param name="Seconds">Folders of validation images. The first is used.</param>
/// <param name="Others">Names of the folders beside them, which are skipped.</param>
internal sealed record SplitFolders(string Train, IReadOnlyList<string> Seconds, IReadOnlyList<string> Others)
{
    private const int DeepestWrapping = 3;
    private const int YearDigits = 4;

    private static readonly string[] TrainNames = ["train", "training"];
    private static readonly string[] SecondNames =
    [
        "val", "valid", "validation", "dev", "eval", "evaluation", "test", "testing",
    ]; // the first one found is used

    /// <summary>
    /// Looks for folders named train, and val, valid, validation, dev, eval or test, in any case of letters, with or
    /// without a year.
    /// </summary>
    /// <returns>Null if the folder is a single set.</returns>
    /// <exception cref="DataSourceException">
    /// The folders are named like parts, but it is not clear which is which. They would be mistaken for classes.
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

        // A single "train" among other folders may be a class, of vehicles for example.
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

        // The extra folder that unpacked archives have.
        return parts.Length == 0 && folders.Length == 1 && depth < DeepestWrapping && !HoldsImages(path)
            ? Find(Path.Combine(path, folders[0]), depth + 1)
            : null;
    }

    /// <summary>
    /// Two folders below other folders that hold images and are named like parts; null if there are none.
    /// </summary>
    /// <param name="files">Relative paths with '/'.</param>
    public static (string Train, string Second)? PartsBelow(IEnumerable<string> files)
    {
        var (train, second) = ((string?)null, (string?)null);
        var before = "";
        foreach (var file in files)
        {
            var end = Math.Max(0, file.LastIndexOf('/'));
            if (file.AsSpan(0, end).SequenceEqual(before))
            {
                continue;
            }

            var folder = before = file[..end];
            for (end = folder.IndexOf('/'); end >= 0;)
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

    // 0 or more for a validation part, the preferred one first; -1 for any other folder.
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
                    $"{path}: {part} is named like a part of a set, and holds folders that are elsewhere too "
                        + $"({DataNotice.Some(shared)}): it is not a class. Name the parts: --data FOLDER --val " +
                            $"{Path.Combine(path, part)}, "
                        + "or put the training images into a folder train beside it.");
            }
        }

        if (parts.Length > 1 && parts.Length == folders.Length)
        {
            throw new DataSourceException(
                $"{path}: holds {string.Join(" and ", parts)}, which are named like parts of a set, not like classes. "
                    + $"Name the training part: --data {Path.Combine(path, parts[0])}");
        }
    }

    private static bool HoldsImages(string path) => SourceFile.Guard(path, () =>
        new DirectoryInfo(path)
            .EnumerateFiles()
            .Any(file => ImageEndings.IsImage(file.Extension) && !ImageEndings.IsHidden(file)));
}
