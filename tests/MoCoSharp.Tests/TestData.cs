using System.Collections.Concurrent;
using System.Formats.Tar;
using System.IO.Compression;

namespace MoCoSharp.Tests;

/// <summary>
/// Data sets that lie outside the project: unpacked under MOCOSHARP_DATA, or packed in ../shared/data. Tests without
/// them skip.
/// </summary>
internal static class TestData
{
    private static readonly ConcurrentDictionary<string, Lazy<string?>> Unpacked = new();

    /// <summary>The folder of real PyTorch files.</summary>
    public static string Checkpoints() => Folder("pytorch-checkpoints-real.tar.gz", "checkpoints");

    /// <summary>The folder of original CIFAR-10 pixels, in the official binary layout.</summary>
    public static string CifarSubset() => Folder("cifar10-lossless-subset-bin.tar.gz", "cifar-10-lossless-subset");

    private static string Folder(string packed, string name)
    {
        var given = Environment.GetEnvironmentVariable("MOCOSHARP_DATA") is { Length: > 0 } root
            ? Path.Combine(root, name)
            : null;
        var folder =
            given is not null && Directory.Exists(given)
                ? given
                : Unpacked.GetOrAdd(packed, file => new(() => Unpack(file, name))).Value;
        Assert.SkipWhen(
            folder is null,
            $"real data are not here: {packed} in ../shared/data, or unpacked in the folder {name} of MOCOSHARP_DATA");
        return folder!;
    }

    private static string? Unpack(string packed, string name)
    {
        var tar = Path.Combine(Sources.Root, "..", "shared", "data", packed);
        if (!File.Exists(tar))
        {
            return null;
        }

        var folder = Directory.CreateTempSubdirectory("mocosharp-data").FullName;
        AppDomain.CurrentDomain.ProcessExit += (_, _) => Directory.Delete(folder, recursive: true);
        using var stream = new GZipStream(File.OpenRead(tar), CompressionMode.Decompress);
        TarFile.ExtractToDirectory(stream, folder, overwriteFiles: true);
        return Path.Combine(folder, name);
    }
}
