using System.Text;

namespace MoCoSharp.Data.Images;

/// <summary>Identifies a file by its first bytes, for messages about an unexpected file.</summary>
internal static class FileSignature
{
    /// <summary>The number of bytes that <see cref="Describe"/> examines. Fewer are fine.</summary>
    public const int HeadBytes = 1024;

    private const string Image = "Convert it to JPEG or PNG.";
    private const string Archive = "Unpack it first.";
    private const string Video = "Take its frames out as JPEG or PNG.";
    private const string Again =
        "The download gave a page instead of the file: download it again, logged in where that is needed.";

    private static readonly string[] HeicBrands = ["heic", "heix", "hevc", "heim", "heis", "mif1", "msf1"];

    private const int TarMagicAt = 257;
    private const int DicomMagicAt = 128;
    private const int BrandAt = 8; // in an ISO base media file: a size, "ftyp", the brand

    /// <summary>
    /// The kind of a file and a hint, to append to "it is "; null if the bytes match nothing known.
    /// </summary>
    /// <param name="head">The first <see cref="HeadBytes"/> bytes of the file, or all of a shorter file.</param>
    /// <returns>For example "a Git LFS pointer, not the file itself. Fetch it with `git lfs pull`."</returns>
    public static string? Describe(ReadOnlySpan<byte> head)
    {
        if (head.IsEmpty)
        {
            return "empty. Download or copy it again.";
        }

        if (head.Length >= 16 && !head.ContainsAnyExcept((byte)0))
        {
            return "nothing but zeros at its beginning, as a broken copy leaves it. Download or copy it again.";
        }

        return OfPointer(head) ?? OfImage(head) ?? OfVideo(head) ?? OfArchive(head) ?? OfOther(head) ?? OfMarkup(head);
    }

    // Placeholders that a checkout or a copy has in place of a file.
    private static string? OfPointer(ReadOnlySpan<byte> head) => head switch
    {
        _ when head.StartsWith("version https://git-lfs"u8) =>
            "a Git LFS pointer, not the file itself. Fetch it with `git lfs pull`.",
        _ when head.StartsWith("/annex/objects/"u8) || head.StartsWith("../.git/annex/"u8) =>
            "a git-annex pointer, not the file itself. Fetch it with `git annex get`.",
        _ when head.StartsWith("outs:\n- "u8) => "a DVC pointer, not the file itself. Fetch it with `dvc pull`.",
        [0, 5, 0x16, 7, ..] => "macOS metadata of a file (AppleDouble), not the file itself. Leave it out.",
        [0x4C, 0, 0, 0, 1, 0x14, 2, 0, ..] =>
            "a Windows shortcut, not the file itself. Give the file that it points to.",
        _ => null,
    };

    /// <summary>Whether a file begins like an image of a supported format.</summary>
    public static bool IsRead(ReadOnlySpan<byte> head) => OfRead(head) is not null;

    /// <summary>The short name of a supported format, such as "JPEG"; null for other files.</summary>
    public static string? Format(ReadOnlySpan<byte> head) =>
        OfRead(head) is { } read ? read["a ".Length..^" image.".Length] : IsTiff(head) ? "TIFF" : null;

    private static string? OfRead(ReadOnlySpan<byte> head) => head switch
    {
        [0xFF, 0xD8, 0xFF, ..] => "a JPEG image.",
        [0x89, (byte)'P', (byte)'N', (byte)'G', ..] => "a PNG image.",
        _ when head.StartsWith("GIF8"u8) => "a GIF image.",
        _ when IsRiff(head, "WEBP"u8) => "a WebP image.",
        [(byte)'B', (byte)'M', _, _, _, _, 0, 0, 0, 0, ..] => "a BMP image.",
        _ => null,
    };

    private static string? OfImage(ReadOnlySpan<byte> head) => head switch
    {
        _ when OfRead(head) is { } read => read,
        _ when head.StartsWith("FUJIFILMCCD-RAW"u8)
                || head.StartsWith("IIU\0"u8)
                || head.StartsWith("IIRO"u8)
                || head.StartsWith("IIRS"u8)
            || head.StartsWith("MMOR"u8)
            || head.StartsWith("FOVb"u8)
            || head.StartsWith("\0MRM"u8)
            || At(head, 6, "HEAPCCDR"u8)
            || (IsTiff(head) && At(head, BrandAt, "CR"u8)) =>
            "a camera's raw file. Develop it to JPEG or PNG.",
        [(byte)'I', (byte)'I', 43, 0, ..] or [(byte)'M', (byte)'M', 0, 43, ..] => $"a BigTIFF image. {Image}",
        _ when IsTiff(head) => "a TIFF image, or a camera's raw file made like one.",
        [0xFF, 0x0A, ..] => $"a JPEG XL image. {Image}",
        _ when At(head, 4, "JXL \r\n"u8) => $"a JPEG XL image. {Image}",
        [0xFF, 0x4F, 0xFF, 0x51, ..] => $"a JPEG 2000 image. {Image}",
        _ when At(head, 4, "jP  \r\n"u8) => $"a JPEG 2000 image. {Image}",
        [(byte)'I', (byte)'I', 0xBC, ..] => $"a JPEG XR image. {Image}",
        _ when head.StartsWith("8BPS"u8) => $"a Photoshop file (PSD). {Image}",
        _ when head.StartsWith("gimp xcf"u8) => $"a GIMP file (XCF). {Image}",
        [(byte)'P', >= (byte)'1' and <= (byte)'7', (byte)'\n' or (byte)'\r' or (byte)' ' or (byte)'\t', ..] =>
            $"a PPM, PGM or PBM image. {Image}",
        [0, 0, 1 or 2, 0, > 0, 0, _, _, _, 0, ..] => $"an icon (ICO or CUR). {Image}",
        _ when head.StartsWith("icns"u8) => $"an icon (ICNS). {Image}",
        [0x76, 0x2F, 0x31, 1, ..] => $"an OpenEXR image. {Image}",
        _ when head.StartsWith("#?RADIANCE"u8) || head.StartsWith("#?RGBE"u8) => $"a Radiance HDR image. {Image}",
        _ when head.StartsWith("DDS "u8) => $"a DDS texture. {Image}",
        _ when head.StartsWith("SIMPLE  ="u8) => $"a FITS image. {Image}",
        _ when At(head, DicomMagicAt, "DICM"u8) => $"a DICOM image. {Image}",
        _ when head.StartsWith("%!PS"u8) || head is [0xC5, 0xD0, 0xD3, 0xC6, ..] => $"a PostScript file. {Image}",
        _ when At(head, 4, "ftyp"u8) => OfBrand(head),
        _ => null,
    };

    // HEIC, AVIF, CR3 and MP4 are one container format. The brand identifies them, or else the compatible brands.
    private static string OfBrand(ReadOnlySpan<byte> head)
    {
        var brands = head.Length > BrandAt ? Encoding.Latin1.GetString(head[BrandAt..Math.Min(head.Length, 32)]) : "";
        return brands switch
        {
            _ when brands.StartsWith("crx ", StringComparison.Ordinal) =>
                "a camera's raw file (CR3). Develop it to JPEG or PNG.",
            _ when brands.Contains("avif", StringComparison.Ordinal)
                    || brands.Contains("avis", StringComparison.Ordinal) => $"an AVIF image. {Image}",
            _ when HeicBrands.Any(brand => brands.Contains(brand, StringComparison.Ordinal)) =>
                $"a HEIC image, as phones save them. {Image}",
            _ => $"a video (MP4 or MOV). {Video}",
        };
    }

    private static string? OfVideo(ReadOnlySpan<byte> head) => head switch
    {
        _ when IsRiff(head, "AVI "u8) => $"a video (AVI). {Video}",
        [0x1A, 0x45, 0xDF, 0xA3, ..] => $"a video (MKV or WebM). {Video}",
        [0, 0, 1, 0xBA or 0xB3, ..] => $"a video (MPEG). {Video}",
        _ when At(head, 4, "moov"u8) || At(head, 4, "mdat"u8) || At(head, 4, "wide"u8) => $"a video (MOV). {Video}",
        _ when head.StartsWith("FLV"u8) => $"a video (FLV). {Video}",
        [0x30, 0x26, 0xB2, 0x75, ..] => $"a video (WMV). {Video}",
        _ when IsRiff(head, "WAVE"u8)
                || head.StartsWith("ID3"u8)
                || head.StartsWith("OggS"u8)
                || head.StartsWith("fLaC"u8) => "a sound file.",
        _ => null,
    };

    private static string? OfArchive(ReadOnlySpan<byte> head) => head switch
    {
        [0x1F, 0x8B, ..] => $"a gzip archive. {Archive}",
        [(byte)'P', (byte)'K', 3 or 5 or 7, 4 or 6 or 8, ..] => $"a zip archive. {Archive}",
        [(byte)'B', (byte)'Z', (byte)'h', >= (byte)'1' and <= (byte)'9', ..] => $"a bzip2 archive. {Archive}",
        [0xFD, (byte)'7', (byte)'z', (byte)'X', (byte)'Z', 0, ..] => $"an xz archive. {Archive}",
        [0x28, 0xB5, 0x2F, 0xFD, ..] => $"a Zstandard archive. {Archive}",
        [(byte)'7', (byte)'z', 0xBC, 0xAF, ..] => $"a 7z archive. {Archive}",
        _ when head.StartsWith("Rar!"u8) => $"a RAR archive. {Archive}",
        _ when At(head, TarMagicAt, "ustar"u8) => $"a tar archive. {Archive}",
        _ => null,
    };

    private static string? OfOther(ReadOnlySpan<byte> head) => head switch
    {
        _ when head.StartsWith("%PDF"u8) => "a PDF document. Save its pages as JPEG or PNG.",
        [0x93, (byte)'N', (byte)'U', (byte)'M', (byte)'P', (byte)'Y', ..] => "a NumPy array (.npy).",
        [0x89, (byte)'H', (byte)'D', (byte)'F', ..] => "an HDF5 file.",
        _ when head.StartsWith("PAR1"u8) => "a Parquet file.",
        _ when head.StartsWith("GGUF"u8) => "a GGUF file of a language model.",
        _ when At(head, 4, "TFL3"u8) => "a TensorFlow Lite model.",
        _ when IsOnnx(head) => "an ONNX model.",
        _ when head.StartsWith("SQLite format"u8) => "an SQLite database.",
        [0xD0, 0xCF, 0x11, 0xE0, ..] => "a Windows thumbnail file (Thumbs.db) or an old Office document.",
        [0x80, >= 2 and <= 5, ..] => "a Python pickle.",
        _ => null,
    };

    // Protobuf fields: version (1), producer name (2), producer version (3), or the graph at once (7).
    private static bool IsOnnx(ReadOnlySpan<byte> head) =>
        head is [0x08, >= 1 and <= 20, 0x3A, ..]
        || (
            head is [0x08, >= 1 and <= 20, 0x12, > 0 and < 64 and var length, ..]
            && head.Length > 4 + length
            && !head.Slice(4, length).ContainsAnyExceptInRange((byte)' ', (byte)'~')
            && head[4 + length] is 0x1A or 0x22 or 0x2A or 0x3A);

    private static string? OfMarkup(ReadOnlySpan<byte> head)
    {
        var text = Encoding
            .Latin1.GetString(head[..Math.Min(head.Length, HeadBytes)])
            .TrimStart('\u00EF', '\u00BB', '\u00BF', ' ', '\t', '\r', '\n');
        return text switch
        {
            _ when Begins("<!doctype html") || Begins("<html") || Begins("<head") => $"an HTML page. {Again}",
            _ when Begins("<svg") || (Begins("<?xml") && text.Contains("<svg", StringComparison.OrdinalIgnoreCase)) =>
                $"an SVG drawing. {Image}",
            _ when text.Contains("<html", StringComparison.OrdinalIgnoreCase) && text.StartsWith('<') =>
                $"an HTML page. {Again}",
            _ when Begins("<Error>") || (Begins("<?xml") && text.Contains("<Error>", StringComparison.Ordinal)) =>
                $"an error message of the server (XML). {Again}",
            _ when Begins("<?xml") => "an XML file.",
            _ when Begins("{\"") || Begins("{\n") || Begins("{\r") => "a JSON text.",
            _ => null,
        };

        bool Begins(string start) => text.StartsWith(start, StringComparison.OrdinalIgnoreCase);
    }

    private static bool IsTiff(ReadOnlySpan<byte> head) =>
        head is [(byte)'I', (byte)'I', 42 or 43, 0, ..] or [(byte)'M', (byte)'M', 0, 42 or 43, ..];

    private static bool IsRiff(ReadOnlySpan<byte> head, ReadOnlySpan<byte> kind) =>
        head.StartsWith("RIFF"u8) && At(head, BrandAt, kind);

    private static bool At(ReadOnlySpan<byte> head, int offset, ReadOnlySpan<byte> what) =>
        head.Length > offset && head[offset..].StartsWith(what);
}
