using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace MoCoSharp.Data.Images;

/// <summary>Opens files from untrusted folders, where a name may be a pipe without a writer.</summary>
internal static partial class RegularFile
{
    private const string Missing = "there is no such file; a dangling link?";
    private const int NoSuchFile = 2; // ENOENT
    private const int Interrupted = 4; // EINTR
    private const int NoSuchDevice = 6; // ENXIO: a socket
    private const int SystemFull = 23; // ENFILE
    private const int ProcessFull = 24; // EMFILE
    private const int TriesWhenFull = 100; // one second in all; other threads close their files much sooner

    private static readonly int[] NeverAFile = OperatingSystem.IsLinux()
        ? [NoSuchDevice, 36, 40]
        : [NoSuchDevice, 63, 62]; // ENAMETOOLONG, ELOOP

    /// <summary>
    /// Opens a regular file for reading. Anything else is refused at once. If too many files are open, it waits for
    /// others to be closed, at most a second.
    /// </summary>
    /// <exception cref="NoFileException">The path is not a regular file. Another try will not help.</exception>
    /// <exception cref="IOException">The file cannot be opened now; for example, it does not exist.</exception>
    public static SafeFileHandle Open(string path)
    {
        // The system reads a name up to a NUL only, and would open another file.
        if (path.Contains('\0'))
        {
            throw new NoFileException("has a NUL in its name.");
        }

        if (Directory.Exists(path))
        {
            throw new NoFileException("is a directory, not an image.");
        }

        var handle = OperatingSystem.IsWindows() ? OpenOnWindows(path) : OpenOnUnix(path);
        try
        {
            _ = RandomAccess.GetLength(handle); // only a seekable file has a length
            return handle;
        }
        catch (NotSupportedException error)
        {
            handle.Dispose();
            throw new NoFileException("is not a regular file; a pipe?", error);
        }
    }

    // .NET's own open blocks until a pipe has a writer; O_NONBLOCK does not.
    private static SafeFileHandle OpenOnUnix(string path)
    {
        var flags = OperatingSystem.IsLinux() ? 0x800 | 0x80000 : 0x4 | 0x1000000; // O_NONBLOCK | O_CLOEXEC
        return new(OpenPatiently(() => TryOpen(path, flags), () => Thread.Sleep(10)), ownsHandle: true);
    }

    private static SafeFileHandle OpenOnWindows(string path)
    {
        try
        {
            return File.OpenHandle(path);
        }
        catch (Exception error) when (error is FileNotFoundException or DirectoryNotFoundException)
        {
            throw new IOException(Missing, error);
        }
        catch (UnauthorizedAccessException error)
        {
            throw new IOException("Permission denied.", error);
        }
    }

    /// <summary>Retries until the file is open or the error is permanent.</summary>
    /// <param name="open">The system call. Returns the descriptor, below 0 for failure, and the error.</param>
    /// <param name="pause">Called between two tries if too many files are open.</param>
    internal static int OpenPatiently(Func<(int Descriptor, int Error)> open, Action pause)
    {
        for (var tries = 1; ; tries++)
        {
            var (descriptor, error) = open();
            if (descriptor >= 0)
            {
                return descriptor;
            }

            if (error is ProcessFull or SystemFull && tries < TriesWhenFull)
            {
                pause();
            }
            else if (error != Interrupted)
            {
                var text = Marshal.GetPInvokeErrorMessage(error) + ".";
                throw error switch
                {
                    NoSuchFile => new IOException(Missing),
                    ProcessFull => new IOException(text + " Allow more (ulimit -n), or lower loader.workers."),
                    _ when NeverAFile.Contains(error) => new NoFileException(text),
                    _ => new IOException(text),
                };
            }
        }
    }

    private static (int Descriptor, int Error) TryOpen(string path, int flags)
    {
        var descriptor = OpenDescriptor(path, flags);
        return (descriptor, descriptor < 0 ? Marshal.GetLastPInvokeError() : 0);
    }

    [LibraryImport("libc", EntryPoint = "open", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int OpenDescriptor(string path, int flags);
}

/// <summary>A path is not a regular file, now and later: a folder, a pipe, a cycle of links.</summary>
internal sealed class NoFileException(string message, Exception? inner = null) : IOException(message, inner);
