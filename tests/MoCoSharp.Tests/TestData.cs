using System.Formats.Tar;
using System.IO.Compression;

namespace MoCoSharp.Tests;

/// <summary>Data sets that lie outside the project: unpacked under MOCOSHARP_DATA, or packed in ../shared/data. Tests without them skip.</summary>
internal static class TestData
{
    private static readonly Lazy<string?> Unpacked = new(() =>
    {
        var tar = Path.Combine(Repository(), "..", "shared", "data", "pytorch-checkpoints-real.tar.gz");
        if (!File.Exists(tar))
        {
            return null;
        }

        var folder = Directory.CreateTempSubdirectory("mocosharp-checkpoints").FullName;
        AppDomain.CurrentDomain.ProcessExit += (_, _) => Directory.Delete(folder, recursive: true);
        using var stream = new GZipStream(File.OpenRead(tar), CompressionMode.Decompress);
        TarFile.ExtractToDirectory(stream, folder, overwriteFiles: true);
        return Path.Combine(folder, "checkpoints");
    });

    /// <summary>The folder of real PyTorch files.</summary>
    public static string Checkpoints()
    {
        var given = Environment.GetEnvironmentVariable("MOCOSHARP_DATA") is { Length: > 0 } root ? Path.Combine(root, "checkpoints") : null;
        var folder = given is not null && Directory.Exists(given) ? given : Unpacked.Value;
        Assert.SkipWhen(folder is null, "the real PyTorch files are not here: pytorch-checkpoints-real.tar.gz in ../shared/data, or unpacked under MOCOSHARP_DATA/checkpoints");
        return folder!;
    }

    private static string Repository()
    {
        var folder = AppContext.BaseDirectory;
        while (folder is not null && !File.Exists(Path.Combine(folder, "MoCoSharp.slnx")))
        {
            folder = Path.GetDirectoryName(folder);
        }

        return folder ?? AppContext.BaseDirectory;
    }
}
