using MoCoSharp.Data.Images;

namespace MoCoSharp.Data.Tests.Datasets;

/// <summary>A folder of a test's own, gone when it ends.</summary>
internal sealed class TempFolder : IDisposable
{
    public string Path { get; } = Directory.CreateTempSubdirectory("moco-data-").FullName;

    public string this[string relative] => System.IO.Path.Combine(Path, relative);

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
