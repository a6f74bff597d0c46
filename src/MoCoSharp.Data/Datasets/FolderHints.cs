namespace MoCoSharp.Data.Datasets;

/// <summary>Messages about files in a folder that are not readable images.</summary>
internal static class FolderHints
{
    private const int EndingsNamed = 8;

    /// <summary>The number of hidden files and folders, such as "12 hidden files and folders".</summary>
    public static string Hidden(IReadOnlyCollection<string> hidden)
    {
        var folders = hidden.Count(name => name.EndsWith('/'));
        return folders == 0 ? DataNotice.Count(hidden.Count, "hidden file")
            : folders == hidden.Count ? DataNotice.Count(hidden.Count, "hidden folder")
            : $"{hidden.Count} hidden files and folders";
    }

    /// <summary>Counts the images of unsupported kinds by ending; null if there are none.</summary>
    public static string? OtherImages(FolderScan scan)
    {
        var others = scan.OtherEndings.Where(ending => ImageEndings.IsOther(ending.Key)).ToList();
        return others.Count == 0
            ? null
            : $"{DataNotice.Count(others.Sum(ending => ending.Value), "image file")} of other kinds " +
                $"({ByEnding(others)})";
    }

    /// <summary>Says that a folder holds no images, what it holds instead, and how to use that.</summary>
    public static string NoImages(string path, FolderScan scan)
    {
        var message =
            $"{path}: no images in this folder or below it, expected {string.Join(", ", ImageEndings.All)} files.";
        if (scan.OtherEndings.Count > 0)
        {
            message += $" It holds files of other endings: {ByEnding(scan.OtherEndings)}.";
        }

        if (OtherImages(scan) is not null)
        {
            message += " Convert the images among them to JPEG or PNG.";
        }

        if (scan.Hidden.Count > 0)
        {
            message +=
                $" {Hidden(scan.Hidden)} skipped: " +
                $"{DataNotice.Some([.. scan.Hidden.Order(StringComparer.Ordinal)])}.";
        }

        return message + KindOf(path);
    }

    private static string ByEnding(IReadOnlyCollection<KeyValuePair<string, int>> endings) => DataNotice.Some(
        [.. endings.OrderByDescending(ending => ending.Value).ThenBy(ending => ending.Key, StringComparer.Ordinal)
            .Select(ending => $"{(ending.Key.Length == 0 ? "none" : ending.Key)} ({ending.Value})")], EndingsNamed);

    // The folder of a known set whose kind was not named.
    private static string KindOf(string path)
    {
        var names = Directory
            .EnumerateFileSystemEntries(path)
            .Take(10_000)
            .Select(entry => Path.GetFileName(entry)!)
            .Order(StringComparer.Ordinal)
            .ToList();
        return names switch
        {
            _ when Has(name =>
                    name.StartsWith("data_batch_", StringComparison.Ordinal) || name == "cifar-10-batches-bin"
                ) => $" For CIFAR-10 give cifar10:{path}",
            _ when Has(name => name is "train.bin" or "cifar-100-binary") => $" For CIFAR-100 give cifar100:{path}",
            _ when Has(name =>
                    name.Contains("-idx3-ubyte", StringComparison.Ordinal)
                    || name.Contains(".idx3-ubyte", StringComparison.Ordinal)
                ) => $" For the MNIST family give idx:{path}",
            _ when First(".tar") is { } tar =>
                $" For tar shards give their names: '{Path.Combine(path, tar)}', where {{000..099}} stands for " +
                "numbers.",
            _ when First(".moco") is { } pack => $" For a packed set give its file: {Path.Combine(path, pack)}",
            _ when (First(".zip") ?? First(".tgz") ?? First(".gz") ?? First(".7z") ?? First(".rar")) is { } archive =>
                $" Unpack {archive} first.",
            _ => "",
        };

        bool Has(Func<string, bool> predicate) => names.Any(predicate);

        string? First(string ending) => names.Find(name => name.EndsWith(ending, StringComparison.OrdinalIgnoreCase));
    }
}
