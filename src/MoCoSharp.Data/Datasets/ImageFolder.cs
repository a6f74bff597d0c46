using MoCoSharp.Data.Images;

namespace MoCoSharp.Data.Datasets;

/// <summary>A folder of images, at any depth. If images are in several subfolders, these are the classes.</summary>
/// <remarks>
/// Images beside the subfolders are skipped with a warning if they are at most a quarter of the others. If they are
/// more, there are no classes.
/// Images are in ordinal order of their relative path with '/', classes in ordinal order of their name. So ids are the
/// same on every machine.
/// </remarks>
public sealed class ImageFolder : IImageDataset, IEncodedImages, IImageFiles
{
    private const int NamedHidden = 5;
    private const int NamedSkipped = 5;
    // Images beside the class folders are skipped up to a quarter of the images in them.
    private const int StrayShare = 4;

    private readonly string _root;
    private readonly string[] _files; // relative, with '/'
    private readonly int[] _labels;

    private ImageFolder(string root, string[] files, FolderScan scan)
    {
        _root = root;
        var strays = files.Count(file => !file.Contains('/'));
        var passesStraysOver = strays > 0 && strays * StrayShare <= files.Length - strays;
        var taken = passesStraysOver ? [.. files.Where(file => file.Contains('/'))] : files;
        var tops = TopFolders(taken).Order(StringComparer.Ordinal).ToArray();
        passesStraysOver &= tops.Length > 1;
        _files = passesStraysOver ? taken : files;
        Folders = strays == 0 || passesStraysOver ? tops : [];
        EmptyFolders = [.. scan.TopFolders.Except(TopFolders(files)).Order(StringComparer.Ordinal)];
        ClassNames = Folders.Count > 1 ? Folders : [];
        Skipped = [.. scan.Skipped.Order(StringComparer.Ordinal)];
        _labels = LabelsOf(_files, ClassNames);
        Notices = [.. NoticesOf(scan, [.. files.Where(file => !file.Contains('/'))], passesStraysOver, tops)];
    }

    /// <inheritdoc/>
    public int Count => _files.Length;

    /// <inheritdoc/>
    public IReadOnlyList<string> ClassNames { get; }

    /// <inheritdoc/>
    public string Description => _root;

    /// <summary>
    /// Skipped entries with the reason: directories with image names, and links that were not followed.
    /// </summary>
    public IReadOnlyList<string> Skipped { get; }

    /// <inheritdoc/>
    public IReadOnlyList<DataNotice> Notices { get; }

    /// <summary>Top-level folders that hold images, if all images are in one of them.</summary>
    internal IReadOnlyList<string> Folders { get; }

    /// <summary>Top-level folders without an image at any depth.</summary>
    internal IReadOnlyList<string> EmptyFolders { get; }

    /// <summary>Lists the images. None is opened yet.</summary>
    /// <param name="path">
    /// The folder. A link to a folder is followed, but not a link inside that folder, nor a link to a parent.
    /// </param>
    /// <exception cref="DataSourceException">The folder does not exist, or holds no image.</exception>
    public static ImageFolder Open(string path)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        return Open(path, count: null);
    }

    /// <summary>Lists the images. A source of several folders counts those of all.</summary>
    /// <exception cref="DataSourceException">The folder does not exist, or holds no image.</exception>
    internal static ImageFolder Open(string path, ImageCount? count)
    {
        var scan = FolderScan.Of(path, count);
        return scan.Images.Count > 0 ? Of(path, scan) : throw new DataSourceException(FolderHints.NoImages(path, scan));
    }

    /// <summary>Lists the images; null if there are none.</summary>
    /// <exception cref="DataSourceException">The folder does not exist, or a folder in it is not readable.</exception>
    internal static ImageFolder? OpenUnlessEmpty(string path, ImageCount? count)
    {
        var scan = FolderScan.Of(path, count);
        return scan.Images.Count > 0 ? Of(path, scan) : null;
    }

    /// <inheritdoc/>
    public LabeledImage Read(int index) => Read(index, default);

    /// <inheritdoc/>
    public LabeledImage Read(int index, in DecodeRequest request)
    {
        using var file = ReadEncoded(index);
        return new(file.Decode(request), _labels[index]);
    }

    EncodedImage IEncodedImages.ReadEncoded(int index) => ReadEncoded(index);

    string IImageFiles.PathOf(int index) => PathOf(index);

    /// <inheritdoc/>
    public int LabelOf(int index) => _labels[index];

    /// <inheritdoc/>
    public string NameOf(int index) => _files[index];

    /// <inheritdoc/>
    public long SizeOf(int index) => new FileInfo(PathOf(index)) is { Exists: true } file ? file.Length : -1;

    /// <summary>The first folder of a path; "" if there is none.</summary>
    internal static string TopFolder(string file) => file.IndexOf('/') is var slash and >= 0 ? file[..slash] : "";

    private static ImageFolder Of(string path, FolderScan scan)
    {
        string[] files = [.. scan.Images];
        Array.Sort(files, StringComparer.Ordinal);
        return new(path, files, scan);
    }

    // The distinct top folders of files in ordinal order, in which files of one folder follow one another.
    private static HashSet<string> TopFolders(IEnumerable<string> files)
    {
        var folders = new HashSet<string>(StringComparer.Ordinal);
        var top = (string?)null;
        foreach (var file in files)
        {
            if (top is null || !IsIn(top, file))
            {
                folders.Add(top = TopFolder(file));
            }
        }

        return folders;
    }

    private static int[] LabelsOf(string[] files, IReadOnlyList<string> classes)
    {
        var names = classes.ToArray();
        var labels = new int[files.Length];
        var (top, label) = ((string?)null, -1);
        for (var i = 0; i < files.Length; i++)
        {
            if (names.Length > 0 && (top is null || !IsIn(top, files[i])))
            {
                top = TopFolder(files[i]);
                label = Array.BinarySearch(names, top, StringComparer.Ordinal);
            }

            labels[i] = label;
        }

        return labels;
    }

    // Whether the top folder of a file is this one; "" is that of a file beside the folders.
    private static bool IsIn(string top, string file) =>
        file.AsSpan(0, Math.Max(0, file.IndexOf('/'))).SequenceEqual(top);

    private IEnumerable<DataNotice> NoticesOf(FolderScan scan, string[] strays, bool passedOver, string[] tops)
    {
        var hidden = scan.Hidden.Order(StringComparer.Ordinal).ToList();
        if (hidden.Count > 0)
        {
            yield return new(
                $"{_root}: {FolderHints.Hidden(hidden)} skipped: {DataNotice.Some(hidden, NamedHidden)}");
        }

        if (FolderHints.OtherImages(scan) is { } others)
        {
            yield return new(
                $"{_root}: {others} skipped. {ImageEndings.Read}; convert the others to use them.");
        }

        foreach (var skipped in Skipped.Take(NamedSkipped))
        {
            yield return new($"{_root}: skipped {skipped}");
        }

        if (Skipped.Count > NamedSkipped)
        {
            yield return new(
                $"{_root}: skipped {Skipped.Count - NamedSkipped} more links and directories named like images.");
        }

        if (passedOver)
        {
            yield return new(
                $"{_root}: {DataNotice.Count(strays.Length, "image")} beside the class folders " +
                $"({DataNotice.Some(strays)}) "
                    + "skipped, as they have no class. Move them into a class folder, or away.",
                IsWarning: true);
        }
        else if (strays.Length > 0 && tops.Count(top => top.Length > 0) > 1)
        {
            yield return new(
                $"{_root}: {DataNotice.Count(strays.Length, "image")} ({DataNotice.Some(strays)}) beside the folders "
                    + $"{DataNotice.Some([.. tops.Where(top => top.Length > 0)])}, "
                    + "which are therefore not used as classes. "
                    + "If they are, move the images into them, or away.",
                IsWarning: true);
        }

        if (Folders.Count > 0 && EmptyFolders.Count > 0)
        {
            yield return new(
                $"{_root}: {DataNotice.Count(EmptyFolders.Count, "folder")} without images: " +
                $"{DataNotice.Some(EmptyFolders)}");
        }

        foreach (
            var pair in ClassNames
                .GroupBy(name => name, StringComparer.OrdinalIgnoreCase)
                .Where(group => group.Count() > 1))
        {
            yield return new(
                $"{_root}: the folders {string.Join(" and ", pair)} differ only in the case of letters, and are " +
                "separate classes.",
                IsWarning: true);
        }

        if (SplitFolders.PartsBelow(_files) is { } parts)
        {
            yield return new(
                $"{_root}: images lie in {parts.Train}/ and in {parts.Second}/, and all are used as one set. "
                    + "If these are two parts of a set, name them with --data and --val.",
                IsWarning: true);
        }
    }

    private string PathOf(int index) => Path.Combine(_root, _files[index]);

    private EncodedImage ReadEncoded(int index) => EncodedImage.Read(PathOf(index));
}
