using System.IO.Compression;
using System.Runtime.InteropServices;
using System.Security.Cryptography;
using System.Text.Json;
using MoCoSharp.Data.Images;

namespace MoCoSharp.Data.Tests.Views;

/// <summary>What PIL and torchvision made, by golden/views/make.py.</summary>
internal sealed class GoldenViews
{
    private readonly byte[] pixels;
    private readonly Dictionary<string, ImageBuffer> images = [];

    private GoldenViews()
    {
        var folder = Path.Combine(AppContext.BaseDirectory, "golden", "views");
        using var unzipped = new MemoryStream();
        using (
            var file = new GZipStream(File.OpenRead(Path.Combine(folder, "pixels.bin.gz")), CompressionMode.Decompress))
        {
            file.CopyTo(unzipped);
        }

        pixels = unzipped.ToArray();
        using var json = JsonDocument.Parse(File.ReadAllBytes(Path.Combine(folder, "cases.json")));
        foreach (var image in json.RootElement.GetProperty("images").EnumerateObject())
        {
            var (width, height) = (
                image.Value.GetProperty("width").GetInt32(),
                image.Value.GetProperty("height").GetInt32());
            images[image.Name] = new ImageBuffer(
                width,
                height,
                pixels.AsSpan(image.Value.GetProperty("offset").GetInt32(), width * height * 3).ToArray());
        }

        images["formula"] = Formula(500, 375);
        images["colors"] = EveryThirdColor();
        Cases = [.. json.RootElement.GetProperty("cases").EnumerateArray().Select(entry => entry.Clone())];
    }

    public static GoldenViews Instance { get; } = new();

    public IReadOnlyList<JsonElement> Cases { get; }

    public ImageBuffer ImageOf(JsonElement golden) => images[golden.GetProperty("image").GetString()!];

    /// <summary>Empty where the bytes are those of the golden case; else what differs.</summary>
    public string Difference(JsonElement golden, ReadOnlySpan<byte> actual)
    {
        if (actual.Length != golden.GetProperty("length").GetInt32())
        {
            return $"{golden}: {actual.Length} bytes";
        }

        if (Convert.ToHexStringLower(SHA256.HashData(actual)) == golden.GetProperty("sha256").GetString())
        {
            return "";
        }

        var offset = golden.GetProperty("offset").GetInt32();
        if (offset < 0)
        {
            return $"{golden}: other bytes";
        }

        var expected = pixels.AsSpan(offset, actual.Length);
        var first = expected.CommonPrefixLength(actual);
        return $"{golden}: first difference at byte {first}, {actual[first]} for {expected[first]}";
    }

    public ReadOnlySpan<float> Floats(JsonElement golden) =>
        MemoryMarshal.Cast<byte, float>(
            pixels.AsSpan(golden.GetProperty("offset").GetInt32(), golden.GetProperty("length").GetInt32()));

    /// <summary>A large image without a file; the same formula stands in make.py.</summary>
    public static ImageBuffer Formula(int width, int height)
    {
        var bytes = new byte[width * height * 3];
        for (var i = 0u; i < bytes.Length; i++)
        {
            bytes[i] = (byte)(unchecked((i * 2654435761u) + ((i >> 7) * (40503u * 65536u))) >> 24);
        }

        return new ImageBuffer(width, height, bytes);
    }

    private static ImageBuffer EveryThirdColor()
    {
        var bytes = new byte[86 * 86 * 86 * 3];
        for (var i = 0; i < 86 * 86 * 86; i++)
        {
            bytes[i * 3] = (byte)(i / (86 * 86) * 3);
            bytes[(i * 3) + 1] = (byte)(i / 86 % 86 * 3);
            bytes[(i * 3) + 2] = (byte)(i % 86 * 3);
        }

        return new ImageBuffer(86, 86 * 86, bytes);
    }
}
