using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace MoCoSharp.Data.Images;

/// <summary>Opens files from strangers' folders, where a name may be a pipe that nobody writes to.</summary>
internal static partial class RegularFile
{
    private const int NoSuchFile = 2; // ENOENT

    /// <summary>Opens a regular file for reading; anything else is refused at once.</summary>
    /// <exception cref="IOException">It is not there, or not a regular file.</exception>
    public static SafeFileHandle Open(string path)
    {
        // Beyond it the system reads no name: another file would be opened.
        if (path.Contains('\0'))
        {
            throw new IOException("has a NUL in its name.");
        }

        if (OperatingSystem.IsWindows())
        {
            return File.OpenHandle(path);
        }

        if (Directory.Exists(path))
        {
            throw new IOException("is a directory, not an image.");
        }

        // The runtime's own open waits for a pipe's writer; with O_NONBLOCK it does not.
        var flags = OperatingSystem.IsLinux() ? 0x800 | 0x80000 : 0x4 | 0x1000000; // O_NONBLOCK | O_CLOEXEC
        var descriptor = OpenDescriptor(path, flags);
        if (descriptor < 0)
        {
            var error = Marshal.GetLastPInvokeError();
            throw new IOException(error == NoSuchFile ? "there is no such file; a dangling link?" : Marshal.GetPInvokeErrorMessage(error) + ".");
        }

        var handle = new SafeFileHandle(descriptor, ownsHandle: true);
        try
        {
            _ = RandomAccess.GetLength(handle); // only what can be sought in has one
            return handle;
        }
        catch (NotSupportedException error)
        {
            handle.Dispose();
            throw new IOException("is not a regular file; a pipe?", error);
        }
    }

    [LibraryImport("libc", EntryPoint = "open", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int OpenDescriptor(string path, int flags);
}
