using MoCoSharp.Data.Images;

namespace MoCoSharp.Data.Tests.Datasets;

/// <summary>A folder of a test's own, gone when it ends.</summary>
internal sealed class TempFolder : IDisposable
{
    public TempFolder()
        : this(Directory.CreateTempSubdirectory("moco-data-").FullName)
    {
    }

    private TempFolder(string path) => Path = path;

    public string Path { get; }

    /// <summary>In memory where the system has such a place: for tests that write thousands of files.</summary>
    public static TempFolder InMemory() => Directory.Exists("/dev/shm")
        ? new TempFolder(Directory.CreateDirectory($"/dev/shm/moco-data-{Guid.NewGuid():N}").FullName)
        : new TempFolder();

    public string this[string relative] =>
        System.IO.Path.Combine(Path, relative.Replace('/', System.IO.Path.DirectorySeparatorChar));

    public string Write(string relative, params byte[] bytes)
    {
        var file = this[relative];
        Directory.CreateDirectory(System.IO.Path.GetDirectoryName(file)!);
        File.WriteAllBytes(file, bytes);
        return file;
    }

    public string Write(string relative, string text) => Write(relative, System.Text.Encoding.UTF8.GetBytes(text));

    /// <summary>A PNG of one grey.</summary>
    public string WriteImage(string relative, byte grey = 100)
    {
        var pixels = new byte[3 * 4 * 4];
        pixels.AsSpan().Fill(grey);
        return Write(relative, ImageEncoder.Png(new ImageBuffer(4, 4, pixels)));
    }

    public void Dispose() => Directory.Delete(Path, recursive: true);
}
