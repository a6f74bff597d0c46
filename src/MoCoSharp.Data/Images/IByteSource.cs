using Microsoft.Win32.SafeHandles;

namespace MoCoSharp.Data.Images;

/// <summary>Bytes that can be read at any place: a file of the disk, or what a server gives by ranges.</summary>
internal interface IByteSource : IDisposable
{
    /// <summary>Bytes in all.</summary>
    long Length { get; }

    /// <summary>Reads some bytes from a place on.</summary>
    /// <returns>How many; 0 at the end.</returns>
    int Read(Span<byte> into, long offset);
}

/// <summary>A regular file.</summary>
internal readonly struct LocalBytes(SafeFileHandle handle) : IByteSource
{
    public long Length => RandomAccess.GetLength(handle);

    /// <summary>Opens a regular file; anything else is refused at once.</summary>
    /// <exception cref="IOException">It is not there, or not a regular file.</exception>
    public static LocalBytes Open(string path) => new(RegularFile.Open(path));

    public int Read(Span<byte> into, long offset) => RandomAccess.Read(handle, into, offset);

    public void Dispose() => handle.Dispose();
}
