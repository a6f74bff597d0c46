using System.IO.Enumeration;

namespace MoCoSharp.Data.Datasets;

/// <summary>
/// Classifies file and folder names: readable images, images of unsupported kinds, and hidden entries.
/// </summary>
internal static class ImageEndings
{
    /// <summary>The supported formats, for messages.</summary>
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

        // Raw files of cameras.
        ".cr2", ".cr3", ".crw", ".nef", ".nrw", ".arw", ".srf", ".sr2", ".srw", ".raf", ".rw2", ".rwl", ".raw", ".orf",
        ".ori", ".dng", ".pef", ".ptx",
        ".x3f", ".3fr", ".fff", ".iiq", ".cap", ".erf", ".kdc", ".dcr", ".k25", ".mrw", ".mos", ".mef", ".gpr", ".bay",
        ".cin",
    };

    // Files that file managers, network disks and operating systems create.
    private static readonly HashSet<string> Housekeeping = new(StringComparer.OrdinalIgnoreCase)
    {
        "__MACOSX", "@eaDir", "@Recycle", "@Recently-Snapshot", "#recycle", "#snapshot", "~snapshot", "$RECYCLE.BIN",
        "RECYCLER", "RECYCLED",
        "System Volume Information", "lost+found", "Network Trash Folder", "Temporary Items", "__pycache__",
    };

    /// <summary>The supported endings.</summary>
    public static IEnumerable<string> All => Endings;

    /// <summary>Whether a file has a supported ending, in any case of letters.</summary>
    public static bool IsImage(ReadOnlySpan<char> ending) =>
        Endings.GetAlternateLookup<ReadOnlySpan<char>>().Contains(ending);

    /// <summary>Whether a file has the ending of an unsupported image format.</summary>
    public static bool IsOther(string ending) => Others.Contains(ending);

    /// <summary>
    /// Whether a file or folder is skipped: its name begins with a dot, or a file manager or system created it.
    /// </summary>
    public static bool IsHidden(FileSystemInfo entry) => IsHidden(entry.Name)
        || (OperatingSystem.IsWindows() && entry.Attributes.HasFlag(FileAttributes.Hidden));

    /// <inheritdoc cref="IsHidden(FileSystemInfo)"/>
    public static bool IsHidden(ref FileSystemEntry entry) => IsHidden(entry.FileName)
        || (OperatingSystem.IsWindows() && entry.Attributes.HasFlag(FileAttributes.Hidden));

    /// <summary>Whether a file or folder of this name is skipped.</summary>
    public static bool IsHidden(ReadOnlySpan<char> name) =>
        name.StartsWith('.') || Housekeeping.GetAlternateLookup<ReadOnlySpan<char>>().Contains(name);
}
