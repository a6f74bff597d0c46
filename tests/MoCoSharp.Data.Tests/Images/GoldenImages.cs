using System.IO.Compression;
using System.Text.Json;
using MoCoSharp.Data.Images;

namespace MoCoSharp.Data.Tests.Images;

/// <summary>Small files of every kind and their pixels as PIL reads them, by golden/images/make.py.</summary>
internal static class GoldenImages
{
    private static readonly string Folder = Path.Combine(AppContext.BaseDirectory, "golden", "images");
    private static readonly Dictionary<string, ImageBuffer> Expected = ReadExpected();

    public static IEnumerable<string> Files => Expected.Keys.Order(StringComparer.Ordinal);

    public static ImageBuffer ExpectedOf(string file) => Expected[file];

    public static byte[] BytesOf(string file) => File.ReadAllBytes(PathOf(file));

    public static string PathOf(string file) => Path.Combine(Folder, file);

    private static Dictionary<string, ImageBuffer> ReadExpected()
    {
        using var unzipped = new MemoryStream();
        using (var file = new GZipStream(File.OpenRead(PathOf("pixels.bin.gz")), CompressionMode.Decompress))
        {
            file.CopyTo(unzipped);
        }

        var pixels = unzipped.ToArray();
        using var json = JsonDocument.Parse(File.ReadAllBytes(PathOf("cases.json")));
        var images = new Dictionary<string, ImageBuffer>(StringComparer.Ordinal);
        foreach (var entry in json.RootElement.GetProperty("cases").EnumerateArray())
        {
            var (width, height) = (entry.GetProperty("width").GetInt32(), entry.GetProperty("height").GetInt32());
            var bytes = pixels.AsSpan(entry.GetProperty("offset").GetInt32(), 3 * width * height).ToArray();
            images[entry.GetProperty("file").GetString()!] = new ImageBuffer(width, height, bytes);
        }

        return images;
    }
}
