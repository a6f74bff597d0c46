using MoCoSharp.PyTorch;

namespace MoCoSharp.Tests.PyTorchFiles;

public sealed class AtomicFileTests : IDisposable
{
    private readonly string folder = Directory.CreateTempSubdirectory("mocosharp").FullName;

    [Fact]
    public void AFailedWrite_LeavesTheOldFile_AndNothingElse()
    {
        var path = Path.Combine(folder, "file");
        AtomicFile.Write(path, stream => stream.Write("old"u8));

        Assert.Throws<IOException>(() => AtomicFile.Write(path, stream =>
        {
            stream.Write("new"u8);
            throw new IOException("No space left on device");
        }));

        Assert.Equal("old", File.ReadAllText(path));
        Assert.Equal([path], Directory.GetFiles(folder));
    }

    [Fact]
    public void TheNameIsThere_OnlyOnceTheContentIs()
    {
        var path = Path.Combine(folder, "file");
        var seen = new List<string>();
        AtomicFile.Reached = (stage, target) =>
            seen.Add(
                $"{stage} {(File.Exists(target) ? File.ReadAllText(target) : "-")} " +
                $"{(File.Exists(target + ".tmp") ? new FileInfo(target + ".tmp").Length : -1)}");
        try
        {
            AtomicFile.Write(path, stream => stream.Write("content"u8));
        }
        finally
        {
            AtomicFile.Reached = null;
        }

        Assert.Equal(["Opened - 0", "Written - 7", "Renamed content -1"], seen);
    }

    public void Dispose() => Directory.Delete(folder, recursive: true);
}
