using Microsoft.Win32.SafeHandles;

namespace MoCoSharp.Data.Images;

/// <summary>Random access to bytes: of a file, or of a server that answers range requests.</summary>
internal interface IByteSource : IDisposable
{
    /// <summary>Number of bytes.</summary>
    long Length { get; }

    /// <summary>Reads bytes from an offset on.</summary>
    /// <returns>The number of bytes read; 0 at the end.</returns>
    int Read(Span<byte> into, long offset);
}

/// <summary>A regular file.</summary>
internal readonly struct LocalBytes(SafeFileHandle handle) : IByteSource
{
    public long Length => RandomAccess.GetLength(handle);

    /// <summary>Opens a regular file. Anything else is refused at once.</summary>
    /// <exception cref="IOException">The file does not exist, or is not a regular file.</exception>
    public static LocalBytes Open(string path) => new(RegularFile.Open(path));

    public int Read(Span<byte> into, long offset) => RandomAccess.Read(handle, into, offset);

    public void Dispose() => handle.Dispose();
}
