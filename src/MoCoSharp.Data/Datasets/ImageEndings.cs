namespace MoCoSharp.Data.Datasets;

/// <summary>
/// Names of files and folders: which are read as images, which are images of other kinds, and which take no part.
/// </summary>
internal static class ImageEndings
{
    /// <summary>Said where a file has none of the endings that are read.</summary>
    public const string Read = "JPEG, PNG, WebP, BMP, GIF and TIFF are read";

    private static readonly HashSet<string> Endings = new(StringComparer.OrdinalIgnoreCase)
    {
        ".jpg", ".jpeg", ".jpe", ".jif", ".jfif", ".png", ".webp", ".bmp", ".gif", ".tif", ".tiff",
    };

    private static readonly HashSet<string> Others = new(StringComparer.OrdinalIgnoreCase)
    {
        ".heic", ".heif", ".heics", ".hif", ".avif", ".avifs", ".jxl", ".jxr", ".wdp", ".jp2", ".j2k", ".jpf", ".jpx",
        ".jpm", ".j2c",
        ".ppm", ".pgm", ".pbm", ".pnm", ".pam", ".pfm", ".tga", ".pcx", ".dib", ".ico", ".cur", ".icns", ".svg",
        ".svgz", ".eps", ".ai", ".wmf", ".emf",
        ".psd", ".psb", ".xcf", ".kra", ".exr", ".hdr", ".dds", ".dcm", ".dicom", ".fits", ".fit", ".nii", ".apng",
        ".jps", ".mpo",

        // Cameras' raw files.
        ".cr2", ".cr3", ".crw", ".nef", ".nrw", ".arw", ".srf", ".sr2", ".srw", ".raf", ".rw2", ".rwl", ".raw", ".orf",
        ".ori", ".dng", ".pef", ".ptx",
        ".x3f", ".3fr", ".fff", ".iiq", ".cap", ".erf", ".kdc", ".dcr", ".k25", ".mrw", ".mos", ".mef", ".gpr", ".bay",
        ".cin",
    };

    // What file managers, network disks and operating systems keep beside a person's own files.
    private static readonly HashSet<string> Housekeeping = new(StringComparer.OrdinalIgnoreCase)
    {
        "__MACOSX", "@eaDir", "@Recycle", "@Recently-Snapshot", "#recycle", "#snapshot", "~snapshot", "$RECYCLE.BIN",
        "RECYCLER", "RECYCLED",
        "System Volume Information", "lost+found", "Network Trash Folder", "Temporary Items", "__pycache__",
    };

    /// <summary>The endings of files that are read.</summary>
    public static IEnumerable<string> All => Endings;

    /// <summary>Whether a file is read as an image, by its ending in any case of letters.</summary>
    public static bool IsImage(string ending) => Endings.Contains(ending);

    /// <summary>Whether a file is an image of a kind that is not read, by its ending.</summary>
    public static bool IsOther(string ending) => Others.Contains(ending);

    /// <summary>
    /// Whether a file or folder takes no part: its name begins with a dot, or a file manager or system made it.
    /// </summary>
    public static bool IsHidden(FileSystemInfo entry) => IsHidden(entry.Name)
        || (OperatingSystem.IsWindows() && entry.Attributes.HasFlag(FileAttributes.Hidden));

    /// <summary>The same, of a name alone.</summary>
    public static bool IsHidden(string name) => name.StartsWith('.') || Housekeeping.Contains(name);
}
