using MoCoSharp.Data.Images;

namespace MoCoSharp.Data.Datasets;

/// <summary>A folder of images, at any depth. Where every image lies in one of several subfolders, these are its classes.</summary>
/// <remarks>Images stand in ordinal order of their relative path with '/', classes in ordinal order of their name: the ids of every machine.</remarks>
public sealed class ImageFolder : IImageDataset, IEncodedImages
{
    private static readonly HashSet<string> Extensions = new(StringComparer.OrdinalIgnoreCase) { ".jpg", ".jpeg", ".png", ".webp", ".bmp", ".gif" };

    private readonly string root;
    private readonly string[] files; // relative, with '/'
    private readonly int[] labels;

    private ImageFolder(string root, string[] files, string[] classNames, IReadOnlyList<string> skipped)
    {
        this.root = root;
        this.files = files;
        ClassNames = classNames;
        Skipped = skipped;
        labels = [.. files.Select(file => classNames.Length == 0 ? -1 : Array.BinarySearch(classNames, TopFolder(file), StringComparer.Ordinal))];
    }

    /// <inheritdoc/>
    public int Count => files.Length;

    /// <inheritdoc/>
    public IReadOnlyList<string> ClassNames { get; }

    /// <inheritdoc/>
    public string Description => root;

    /// <summary>What was passed over, with the reason: directories that bear an image's name, and links that were not followed.</summary>
    public IReadOnlyList<string> Skipped { get; }

    /// <summary>Looks for images; none is opened yet.</summary>
    /// <param name="path">The folder. A link to a folder is followed, but none below it and none to a folder above: no circle is walked.</param>
    /// <exception cref="DataSourceException">There is no such folder, or no image in it.</exception>
    public static ImageFolder Open(string path)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        if (!Directory.Exists(path))
        {
            throw new DataSourceException($"{path}: there is no such folder. Give --data the folder that holds the images.");
        }

        var found = new List<string>();
        var skipped = new List<string>();
        try
        {
            var walk = new EnumerationOptions { RecurseSubdirectories = false, IgnoreInaccessible = false, AttributesToSkip = FileAttributes.None };
            var folders = new Stack<(DirectoryInfo Folder, bool ByLink)>([(new DirectoryInfo(path), false)]);
            while (folders.TryPop(out var top))
            {
                foreach (var entry in top.Folder.EnumerateFileSystemInfos("*", walk))
                {
                    var relative = Path.GetRelativePath(path, entry.FullName).Replace(Path.DirectorySeparatorChar, '/');
                    var isImage = Extensions.Contains(entry.Extension);
                    if (entry is DirectoryInfo below)
                    {
                        if (isImage)
                        {
                            skipped.Add($"{relative}: is a directory, not an image.");
                        }

                        var isLink = below.LinkTarget is not null;
                        if (isLink && (top.ByLink || LeadsUp(below, path)))
                        {
                            skipped.Add($"{relative}: is a link to a folder, not followed.");
                        }
                        else
                        {
                            folders.Push((below, top.ByLink || isLink));
                        }
                    }
                    else if (isImage)
                    {
                        found.Add(relative);
                    }
                }
            }
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new DataSourceException($"{path}: cannot be listed: {error.Message}", error);
        }

        if (found.Count == 0)
        {
            throw new DataSourceException($"{path}: no images in this folder or below it, expected {string.Join(", ", Extensions)} files.");
        }

        var ordered = found.Order(StringComparer.Ordinal).ToArray();
        var tops = ordered.Select(TopFolder).Distinct(StringComparer.Ordinal).Order(StringComparer.Ordinal).ToArray();
        return new ImageFolder(path, ordered, tops.Length > 1 && tops[0].Length > 0 ? tops : [], [.. skipped.Order(StringComparer.Ordinal)]);
    }

    /// <inheritdoc/>
    public LabelledImage Read(int index) => Read(index, default);

    /// <inheritdoc/>
    public LabelledImage Read(int index, in DecodeRequest request)
    {
        using var file = ReadEncoded(index);
        return new(file.Decode(request), labels[index]);
    }

    EncodedImage IEncodedImages.ReadEncoded(int index) => ReadEncoded(index);

    /// <inheritdoc/>
    public int LabelOf(int index) => labels[index];

    /// <inheritdoc/>
    public string NameOf(int index) => files[index];

    /// <inheritdoc/>
    public long SizeOf(int index) => new FileInfo(Path.Combine(root, files[index])) is { Exists: true } file ? file.Length : -1;

    // Whether a link leads to a folder that it lies in, itself a link or not.
    private static bool LeadsUp(DirectoryInfo link, string path)
    {
        var top = new DirectoryInfo(path);
        var realRoot = top.ResolveLinkTarget(returnFinalTarget: true)?.FullName ?? top.FullName;
        var real = Path.Combine(realRoot, Path.GetRelativePath(path, link.FullName));
        var target = Path.TrimEndingDirectorySeparator(link.ResolveLinkTarget(returnFinalTarget: true)?.FullName ?? link.FullName);
        return real.StartsWith(target == "/" ? target : target + Path.DirectorySeparatorChar, StringComparison.Ordinal);
    }

    private static string TopFolder(string file) => file.IndexOf('/') is var slash and >= 0 ? file[..slash] : "";

    private EncodedImage ReadEncoded(int index) => EncodedImage.Read(Path.Combine(root, files[index]));
}
