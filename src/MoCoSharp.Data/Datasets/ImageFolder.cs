using MoCoSharp.Data.Images;

namespace MoCoSharp.Data.Datasets;

/// <summary>A folder of images, at any depth. Where images lie in several subfolders, these are its classes.</summary>
/// <remarks>Images beside the subfolders are passed over with a warning where they are at most a quarter of the others;
/// where they are more, there are no classes.
/// Images stand in ordinal order of their relative path with '/', classes in ordinal order of their name: the ids of
/// every machine.</remarks>
public sealed class ImageFolder : IImageDataset, IEncodedImages, IImageFiles
{
    private const int NamedHidden = 5;
    private const int NamedSkipped = 5;
    // images beside the class folders are passed over up to a quarter of those in them
    private const int StrayShare = 4;

    private readonly string root;
    private readonly string[] files; // relative, with '/'
    private readonly int[] labels;

    private ImageFolder(string root, string[] files, FolderScan scan)
    {
        this.root = root;
        var strays = files.Count(file => !file.Contains('/'));
        var passesStraysOver = strays > 0 && strays * StrayShare <= files.Length - strays;
        var taken = passesStraysOver ? [.. files.Where(file => file.Contains('/'))] : files;
        var tops = taken.Select(TopFolder).Distinct(StringComparer.Ordinal).Order(StringComparer.Ordinal).ToArray();
        passesStraysOver &= tops.Length > 1;
        this.files = passesStraysOver ? taken : files;
        Folders = strays == 0 || passesStraysOver ? tops : [];
        EmptyFolders = [.. scan.TopFolders.Except(files.Select(TopFolder)).Order(StringComparer.Ordinal)];
        ClassNames = Folders.Count > 1 ? Folders : [];
        Skipped = [.. scan.Skipped.Order(StringComparer.Ordinal)];
        labels =
        [
            .. this.files.Select(file =>
                ClassNames.Count == 0 ? -1 : Array.BinarySearch(tops, TopFolder(file), StringComparer.Ordinal)),
        ];
        Notices = [.. NoticesOf(scan, [.. files.Where(file => !file.Contains('/'))], passesStraysOver, tops)];
    }

    /// <inheritdoc/>
    public int Count => files.Length;

    /// <inheritdoc/>
    public IReadOnlyList<string> ClassNames { get; }

    /// <inheritdoc/>
    public string Description => root;

    /// <summary>
    /// What was passed over, with the reason: directories that bear an image's name, and links that were not followed.
    /// </summary>
    public IReadOnlyList<string> Skipped { get; }

    /// <inheritdoc/>
    public IReadOnlyList<DataNotice> Notices { get; }

    /// <summary>Folders at the top that hold images, where all images that are taken lie in one.</summary>
    internal IReadOnlyList<string> Folders { get; }

    /// <summary>Folders at the top that hold no image, at any depth.</summary>
    internal IReadOnlyList<string> EmptyFolders { get; }

    /// <summary>Looks for images; none is opened yet.</summary>
    /// <param name="path">
    /// The folder. A link to a folder is followed, but none below it and none to a folder above: no circle is walked.
    /// </param>
    /// <exception cref="DataSourceException">There is no such folder, or no image in it.</exception>
    public static ImageFolder Open(string path)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        var scan = FolderScan.Of(path);
        return scan.Images.Count > 0 ? Of(path, scan) : throw new DataSourceException(FolderHints.NoImages(path, scan));
    }

    /// <summary>The same; null where the folder holds no image.</summary>
    /// <exception cref="DataSourceException">There is no such folder, or one in it may not be read.</exception>
    internal static ImageFolder? OpenUnlessEmpty(string path)
    {
        var scan = FolderScan.Of(path);
        return scan.Images.Count > 0 ? Of(path, scan) : null;
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

    string IImageFiles.PathOf(int index) => PathOf(index);

    /// <inheritdoc/>
    public int LabelOf(int index) => labels[index];

    /// <inheritdoc/>
    public string NameOf(int index) => files[index];

    /// <inheritdoc/>
    public long SizeOf(int index) => new FileInfo(PathOf(index)) is { Exists: true } file ? file.Length : -1;

    /// <summary>The first folder of a path, or "".</summary>
    internal static string TopFolder(string file) => file.IndexOf('/') is var slash and >= 0 ? file[..slash] : "";

    private static ImageFolder Of(string path, FolderScan scan) =>
        new(path, [.. scan.Images.Order(StringComparer.Ordinal)], scan);

    private IEnumerable<DataNotice> NoticesOf(FolderScan scan, string[] strays, bool passedOver, string[] tops)
    {
        var hidden = scan.Hidden.Order(StringComparer.Ordinal).ToList();
        if (hidden.Count > 0)
        {
            yield return new(
                $"{root}: {FolderHints.Hidden(hidden)} passed over: {DataNotice.Some(hidden, NamedHidden)}");
        }

        if (FolderHints.OtherImages(scan) is { } others)
        {
            yield return new(
                $"{root}: {others} passed over. {ImageEndings.Read}; convert the others to have them take part.");
        }

        foreach (var skipped in Skipped.Take(NamedSkipped))
        {
            yield return new($"{root}: passed over {skipped}");
        }

        if (Skipped.Count > NamedSkipped)
        {
            yield return new(
                $"{root}: passed over {Skipped.Count - NamedSkipped} more links and directories named like images.");
        }

        if (passedOver)
        {
            yield return new(
                $"{root}: {DataNotice.Count(strays.Length, "image")} beside the class folders " +
                $"({DataNotice.Some(strays)}) "
                    + "passed over, as there is no class for them. Move them into a class folder, or away.",
                IsWarning: true);
        }
        else if (strays.Length > 0 && tops.Count(top => top.Length > 0) > 1)
        {
            yield return new(
                $"{root}: {DataNotice.Count(strays.Length, "image")} ({DataNotice.Some(strays)}) beside the folders "
                    + $"{DataNotice.Some([.. tops.Where(top => top.Length > 0)])}, which are no classes therefore. "
                    + "If they are, move the images into them, or away.",
                IsWarning: true);
        }

        if (Folders.Count > 0 && EmptyFolders.Count > 0)
        {
            yield return new(
                $"{root}: {DataNotice.Count(EmptyFolders.Count, "folder")} without images: " +
                $"{DataNotice.Some(EmptyFolders)}");
        }

        foreach (
            var pair in ClassNames
                .GroupBy(name => name, StringComparer.OrdinalIgnoreCase)
                .Where(group => group.Count() > 1))
        {
            yield return new(
                $"{root}: the folders {string.Join(" and ", pair)} differ only in the case of letters, and are " +
                "classes of their own.",
                IsWarning: true);
        }

        if (SplitFolders.PartsBelow(files) is { } parts)
        {
            yield return new(
                $"{root}: images lie in {parts.Train}/ and in {parts.Second}/, and all are taken as one set. "
                    + "If these are two parts of it, name them by --data and --val.",
                IsWarning: true);
        }
    }

    private string PathOf(int index) => Path.Combine(root, files[index]);

    private EncodedImage ReadEncoded(int index) => EncodedImage.Read(PathOf(index));
}
