using System.Text;
using MoCoSharp.Data.Images;

namespace MoCoSharp.Data.Tests.Images;

/// <summary>Bytes are written from each format's specification.</summary>
public sealed class FileSignatureTests
{
    [Theory]
    [InlineData(
        "version https://git-lfs.github.com/spec/v1\noid sha256:00",
        "a Git LFS pointer, not the file itself. Fetch it with `git lfs pull`."
    )]
    [InlineData("/annex/objects/SHA256E-s102530333--00.pth\n", "`git annex get`")]
    [InlineData("outs:\n- md5: 00\n  path: photos\n", "`dvc pull`")]
    [InlineData("<!DOCTYPE html><html>", "an HTML page")]
    [InlineData("\r\n  <HTML><body>Virus scan warning", "an HTML page")]
    [InlineData("\u00EF\u00BB\u00BF<html>", "an HTML page")]
    [InlineData(
        "<?xml version=\"1.0\"?><!DOCTYPE html PUBLIC \"-//W3C//DTD XHTML\"><html xmlns=\"x\">",
        "an HTML page"
    )]
    [InlineData("<?xml version=\"1.0\"?>\n<Error><Code>AccessDenied</Code>", "an error message of the server")]
    [InlineData("<?xml version=\"1.0\"?>\n<svg width=\"8\">", "an SVG drawing")]
    [InlineData("<svg width=\"8\">", "an SVG drawing")]
    [InlineData("<?xml version=\"1.0\"?>\n<annotation>", "an XML file")]
    [InlineData("{\"message\":\"Not Found\"}", "a JSON text")]
    [InlineData("\0\0\0\u0018ftypheic\0\0\0\0mif1heic", "a HEIC image")]
    [InlineData("\0\0\0\u0018ftypmif1\0\0\0\0mif1avif", "an AVIF image")]
    [InlineData("\0\0\0\u001Cftypavif\0\0\0\0avifmif1miaf", "an AVIF image")]
    [InlineData("\0\0\0\u0018ftypcrx \0\0\0\u0001crx isom", "a camera's raw file (CR3)")]
    [InlineData("\0\0\0\u0018ftypisom\0\0\u0002\0isomiso2", "a video (MP4 or MOV)")]
    [InlineData("\0\0\0\u0014ftypqt  \0\0\0\0qt  ", "a video (MP4 or MOV)")]
    [InlineData("II*\0\u0008\0\0\0", "a TIFF image")]
    [InlineData("MM\0*\0\0\0\u0008", "a TIFF image")]
    [InlineData("II*\0\u0010\0\0\0CR\u0002\0", "a camera's raw file")]
    [InlineData("FUJIFILMCCD-RAW 0201", "a camera's raw file")]
    [InlineData("IIU\0\u0018\0\0\0", "a camera's raw file")]
    [InlineData("IIRO\u0008\0\0\0", "a camera's raw file")]
    [InlineData("\u00FF\n\u0000\u0010", "a JPEG XL image")]
    [InlineData("\0\0\0\u000CJXL \r\n\u0087\n", "a JPEG XL image")]
    [InlineData("\0\0\0\u000CjP  \r\n\u0087\n", "a JPEG 2000 image")]
    [InlineData("\u00FF\u004F\u00FF\u0051\0", "a JPEG 2000 image")]
    [InlineData("8BPS\0\u0001", "a Photoshop file")]
    [InlineData("P6\n8 8\n255\n", "a PPM, PGM or PBM image")]
    [InlineData("\0\0\u0001\0\u0001\0\u0010\u0010\0\0", "an icon")]
    [InlineData("%PDF-1.7", "a PDF document")]
    [InlineData("\u001F\u008B\u0008\0", "a gzip archive. Unpack it first.")]
    [InlineData("PK\u0003\u0004", "a zip archive. Unpack it first.")]
    [InlineData("\u00FD7zXZ\0", "an xz archive")]
    [InlineData("BZh91AY", "a bzip2 archive")]
    [InlineData("7z\u00BC\u00AF\u0027\u001C", "a 7z archive")]
    [InlineData("Rar!\u001A\u0007", "a RAR archive")]
    [InlineData("RIFF\0\0\0\0WEBPVP8 ", "a WebP image")]
    [InlineData("RIFF\0\0\0\0AVI LIST", "a video (AVI)")]
    [InlineData("\u001A\u0045\u00DF\u00A3", "a video (MKV or WebM)")]
    [InlineData("\0\u0005\u0016\u0007\0\u0002\0\0", "AppleDouble")]
    [InlineData("\u0080\u0002}q\0", "a Python pickle")]
    [InlineData("\u0093NUMPY\u0001\0", "a NumPy array")]
    [InlineData("", "empty")]
    public void Describe_FirstBytesOfAKind_NamesIt(string head, string expected) =>
        Assert.Contains(expected, FileSignature.Describe(Encoding.Latin1.GetBytes(head)), StringComparison.Ordinal);

    [Fact]
    public void Describe_TarHeader_NamesIt()
    {
        var head = new byte[512];
        "photos/a.jpg"u8.CopyTo(head);
        "ustar"u8.CopyTo(head.AsSpan(257));

        Assert.Contains("a tar archive", FileSignature.Describe(head), StringComparison.Ordinal);
    }

    [Fact]
    public void Describe_Zeros_SaysThatACopyIsBroken() =>
        Assert.Contains("nothing but zeros", FileSignature.Describe(new byte[64]), StringComparison.Ordinal);

    [Theory]
    [InlineData("Dear reader, this is no photo.")]
    [InlineData("cats/00.png\tcat")]
    public void Describe_PlainText_TellsNothing(string head) =>
        Assert.Null(FileSignature.Describe(Encoding.UTF8.GetBytes(head)));

    [Fact]
    public void Describe_AnyBytesOfAnyLength_DoesNotThrow()
    {
        var random = new Random(1);
        for (var length = 0; length < 600; length++)
        {
            var head = new byte[length];
            random.NextBytes(head);
            _ = FileSignature.Describe(head);
        }

        foreach (var start in new[] { "\0\0\0\u0018ftyp", "\0\0\0\u0018ftypx", "RIFF", "II*\0", "P6", "\0\0\u0001\0" })
        {
            _ = FileSignature.Describe(Encoding.Latin1.GetBytes(start));
        }
    }
}
