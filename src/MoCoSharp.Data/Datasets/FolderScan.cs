namespace MoCoSharp.Data.Datasets;

/// <summary>What lies in a folder, at any depth: the images, and what is passed over.</summary>
internal sealed class FolderScan
{
    private const int UnreadableNamed = 3;

    private readonly string root;

    private FolderScan(string root) => this.root = root;

    /// <summary>Paths of images, relative, with '/'.</summary>
    public List<string> Images { get; } = [];

    /// <summary>Names of the folders at the top, hidden ones left out.</summary>
    public List<string> TopFolders { get; } = [];

    /// <summary>Hidden folders (with '/' at their end), and hidden files that are named like images.</summary>
    public List<string> Hidden { get; } = [];

    /// <summary>How many files there are of each ending that is not read, in small letters; "" is none.</summary>
    public Dictionary<string, int> OtherEndings { get; } = new(StringComparer.Ordinal);

    /// <summary>Directories that bear an image's name, and links that were not followed, with the reason.</summary>
    public List<string> Skipped { get; } = [];

    /// <summary>
    /// Walks a folder. A link to a folder is followed, but none below it and none to a folder above: no circle is
    /// walked.
    /// </summary>
    /// <exception cref="DataSourceException">There is no such folder, or one in it may not be read.</exception>
    public static FolderScan Of(string path)
    {
        if (!Directory.Exists(path))
        {
            throw new DataSourceException(
                $"{path}: there is no such folder. Give --data the folder that holds the images.");
        }

        var scan = new FolderScan(path);
        var unreadable = new List<string>();
        var folders = new Stack<(DirectoryInfo Folder, bool ByLink)>([(new DirectoryInfo(path), false)]);
        while (folders.TryPop(out var top))
        {
            try
            {
                foreach (var entry in top.Folder.EnumerateFileSystemInfos("*", Everything))
                {
                    scan.Add(entry, top.ByLink, folders);
                }
            }
            catch (UnauthorizedAccessException)
            {
                unreadable.Add(top.Folder.FullName);
            }
            catch (IOException error)
            {
                throw new DataSourceException($"{top.Folder.FullName}: cannot be listed: {error.Message}", error);
            }
        }

        return unreadable.Count == 0 ? scan : throw Unreadable(path, unreadable);
    }

    /// <summary>Names of the folders in a folder, hidden ones left out, in ordinal order.</summary>
    /// <exception cref="DataSourceException">It may not be read.</exception>
    public static string[] FoldersIn(string path) =>
        SourceFile.Guard(
            path,
            () =>
                new DirectoryInfo(path)
                    .EnumerateDirectories("*", Everything)
        .Where(folder => !ImageEndings.IsHidden(folder))
        .Select(folder => folder.Name)
        .Order(StringComparer.Ordinal)
        .ToArray());

    private static EnumerationOptions Everything =>
        new() { RecurseSubdirectories = false, IgnoreInaccessible = false, AttributesToSkip = FileAttributes.None };

    private void Add(FileSystemInfo entry, bool byLink, Stack<(DirectoryInfo Folder, bool ByLink)> folders)
    {
        var relative = Path.GetRelativePath(root, entry.FullName).Replace(Path.DirectorySeparatorChar, '/');
        var isImage = ImageEndings.IsImage(entry.Extension);
        if (ImageEndings.IsHidden(entry))
        {
            if (entry is DirectoryInfo || isImage)
            {
                Hidden.Add(entry is DirectoryInfo ? relative + "/" : relative);
            }
        }
        else if (entry is not DirectoryInfo below)
        {
            AddFile(entry, relative, isImage);
        }
        else
        {
            if (!relative.Contains('/'))
            {
                TopFolders.Add(relative);
            }

            AddFolder(below, relative, isImage, byLink, folders);
        }
    }

    private void AddFile(FileSystemInfo entry, string relative, bool isImage)
    {
        if (isImage)
        {
            Images.Add(relative);
            return;
        }

        var ending = entry.Extension.ToLowerInvariant();
        OtherEndings[ending] = OtherEndings.GetValueOrDefault(ending) + 1;
    }

    private void AddFolder(
        DirectoryInfo below, string relative, bool isImage, bool byLink,
        Stack<(DirectoryInfo Folder, bool ByLink)> folders)
    {
        if (isImage)
        {
            Skipped.Add($"{relative}: is a directory, not an image.");
        }

        var isLink = below.LinkTarget is not null;
        if (isLink && (byLink || LeadsUp(below, root)))
        {
            Skipped.Add($"{relative}: is a link to a folder, not followed.");
        }
        else
        {
            folders.Push((below, byLink || isLink));
        }
    }

    // Whether a link leads to a folder that it lies in, itself a link or not.
    private static bool LeadsUp(DirectoryInfo link, string path)
    {
        var top = new DirectoryInfo(path);
        var realRoot = top.ResolveLinkTarget(returnFinalTarget: true)?.FullName ?? top.FullName;
        var real = Path.Combine(realRoot, Path.GetRelativePath(path, link.FullName));
        var target = Path.TrimEndingDirectorySeparator(
            link.ResolveLinkTarget(returnFinalTarget: true)?.FullName ?? link.FullName);
        return real.StartsWith(target == "/" ? target : target + Path.DirectorySeparatorChar, StringComparison.Ordinal);
    }

    private static DataSourceException Unreadable(string path, List<string> folders)
    {
        var named = string.Join(
            ", ",
            folders.Order(StringComparer.Ordinal).Take(UnreadableNamed).Select(folder => $"'{folder}'"));
        var more = folders.Count > UnreadableNamed ? $" and {folders.Count - UnreadableNamed} more" : "";
        return new DataSourceException(
            $"{path}: you may not read {(folders.Count == 1 ? "the folder" : "the folders")} {named}{more}. " +
            "Allow it (chmod u+rx FOLDER), or give --data a folder below that holds only what you may read.");
    }
}
