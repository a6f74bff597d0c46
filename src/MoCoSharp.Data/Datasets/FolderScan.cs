using System.IO.Enumeration;

namespace MoCoSharp.Data.Datasets;

/// <summary>The contents of a folder and its subfolders: images, and everything that is skipped.</summary>
internal sealed class FolderScan
{
    private const int UnreadableNamed = 3;

    private readonly string _root;
    private readonly ImageCount? _count;

    private FolderScan(string root, ImageCount? count)
    {
        _root = root;
        _count = count;
    }

    /// <summary>Relative paths of images, with '/'.</summary>
    public List<string> Images { get; } = [];

    /// <summary>Names of the top-level folders, without hidden ones.</summary>
    public List<string> TopFolders { get; } = [];

    /// <summary>Hidden folders (ending in '/'), and hidden files with image names.</summary>
    public List<string> Hidden { get; } = [];

    /// <summary>Number of files by unsupported ending, in lower case; "" is no ending.</summary>
    public Dictionary<string, int> OtherEndings { get; } = new(StringComparer.Ordinal);

    /// <summary>Directories with image names, and links that were not followed, each with the reason.</summary>
    public List<string> Skipped { get; } = [];

    /// <summary>
    /// Lists a folder and its subfolders. A link to a folder is followed, but not a link inside that folder, nor a link
    /// to a parent. So the walk always ends.
    /// </summary>
    /// <exception cref="DataSourceException">The folder does not exist, or a folder in it is not readable.</exception>
    public static FolderScan Of(string path, ImageCount? count)
    {
        if (!Directory.Exists(path))
        {
            throw new DataSourceException(
                $"{path}: there is no such folder. Give --data the folder that holds the images.");
        }

        var scan = new FolderScan(path, count);
        var unreadable = new List<string>();
        var folders = new Stack<Below>([new(new DirectoryInfo(path), "", ByLink: false)]);
        while (folders.TryPop(out var top))
        {
            try
            {
                foreach (var entry in EntriesOf(top.Folder))
                {
                    scan.Add(entry, top, folders);
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

    /// <summary>Names of the subfolders, without hidden ones, in ordinal order.</summary>
    /// <exception cref="DataSourceException">The folder is not readable.</exception>
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

    // Millions of files: no more is asked of the system, and kept, than the name.
    private static FileSystemEnumerable<Entry> EntriesOf(DirectoryInfo folder) => new(
        folder.FullName,
        (ref entry) => new Entry(entry.FileName.ToString(), entry.IsDirectory, ImageEndings.IsHidden(ref entry)),
        Everything);

    private void Add(Entry entry, Below folder, Stack<Below> folders)
    {
        var relative = folder.Prefix + entry.Name;
        var isImage = ImageEndings.IsImage(Path.GetExtension(entry.Name.AsSpan()));
        if (entry.IsHidden)
        {
            if (entry.IsFolder || isImage)
            {
                Hidden.Add(entry.IsFolder ? relative + "/" : relative);
            }
        }
        else if (!entry.IsFolder)
        {
            AddFile(relative, isImage);
        }
        else
        {
            if (folder.Prefix.Length == 0)
            {
                TopFolders.Add(relative);
            }

            var path = Path.Combine(folder.Folder.FullName, entry.Name);
            AddFolder(new DirectoryInfo(path), relative, isImage, folder.ByLink, folders);
        }
    }

    private void AddFile(string relative, bool isImage)
    {
        if (isImage)
        {
            Images.Add(relative);
            _count?.Add();
            return;
        }

        var ending = Path.GetExtension(relative).ToLowerInvariant();
        OtherEndings[ending] = OtherEndings.GetValueOrDefault(ending) + 1;
    }

    private void AddFolder(
        DirectoryInfo below, string relative, bool isImage, bool byLink, Stack<Below> folders)
    {
        if (isImage)
        {
            Skipped.Add($"{relative}: is a directory, not an image.");
        }

        var isLink = below.LinkTarget is not null;
        if (isLink && (byLink || LeadsUp(below, _root)))
        {
            Skipped.Add($"{relative}: is a link to a folder, not followed.");
        }
        else
        {
            folders.Push(new(below, relative + '/', byLink || isLink));
        }
    }

    // Whether a link leads to a folder that contains it. That folder may be a link itself.
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
            $"Allow it{(OperatingSystem.IsWindows() ? "" : " (chmod u+rx FOLDER)")}, or give --data a folder below " +
            "that holds only what you may read.");
    }

    // A file or folder in a folder.
    private readonly record struct Entry(string Name, bool IsFolder, bool IsHidden);

    // A folder to list, with what its images' names begin with, and whether a link leads to it.
    private readonly record struct Below(DirectoryInfo Folder, string Prefix, bool ByLink);
}
