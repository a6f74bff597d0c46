using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace MoCoSharp.PyTorch;

/// <summary>Writes a file as a whole or not at all, even if the power fails.</summary>
public static partial class AtomicFile
{
    /// <summary>
    /// The ending of a file that is being written. A leftover one belongs to a process that was killed.
    /// </summary>
    public const string TemporaryEnding = ".tmp";

    /// <summary>The stages of a write.</summary>
    internal enum Stage
    {
        /// <summary>The temporary file exists and is empty.</summary>
        Opened,

        /// <summary>The temporary file is complete and on the disk.</summary>
        Written,

        /// <summary>The file has its name. The folder is not flushed yet.</summary>
        Renamed,
    }

    /// <summary>Called at each stage. Tests kill the process there.</summary>
    internal static Action<Stage, string>? Reached { get; set; }

    /// <summary>Writes beside the target, flushes to the disk, renames over the target, flushes the folder.</summary>
    /// <param name="path">The target. Its folder must exist.</param>
    /// <param name="write">Writes the content.</param>
    /// <exception cref="IOException">The file could not be written. The target is unchanged.</exception>
    public static void Write(string path, Action<Stream> write)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        ArgumentNullException.ThrowIfNull(write);
        var temporary = path + TemporaryEnding;
        try
        {
            using (
                var stream = new FileStream(
                    temporary, FileMode.Create, FileAccess.ReadWrite, FileShare.None, bufferSize: 1 << 16))
            {
                Reached?.Invoke(Stage.Opened, path);
                write(stream);
                stream.Flush(flushToDisk: true);
            }

            Reached?.Invoke(Stage.Written, path);
            Replace(temporary, path);
            Reached?.Invoke(Stage.Renamed, path);
            FlushFolder(Path.GetDirectoryName(Path.GetFullPath(path))!);
        }
        catch
        {
            TryDelete(temporary);
            throw;
        }
    }

    /// <summary>
    /// Renames a written file over another. On Windows, a file that somebody reads cannot be replaced: there it tries
    /// again for a second, because readers of small files are soon done. The name may be lost if the power fails soon
    /// after; <see cref="Write"/> makes sure of it.
    /// </summary>
    /// <param name="temporary">The written file, in the same folder.</param>
    /// <param name="path">The target. It may exist.</param>
    /// <exception cref="IOException">The file could not be renamed. The target is unchanged.</exception>
    /// <exception cref="UnauthorizedAccessException">
    /// The file could not be renamed. The target is unchanged.
    /// </exception>
    public static void Replace(string temporary, string path)
    {
        const int tries = 20;
        for (var tried = 1; ; tried++)
        {
            try
            {
                File.Move(temporary, path, overwrite: true);
                return;
            }
            catch (Exception error) when (
                OperatingSystem.IsWindows() && tried < tries && error is (IOException or UnauthorizedAccessException))
            {
                Thread.Sleep(50); // a second in all
            }
        }
    }

    /// <summary>Flushes a folder, so that the names in it survive a power cut.</summary>
    private static void FlushFolder(string folder)
    {
        if (OperatingSystem.IsWindows())
        {
            return; // NTFS has a journal of names
        }

        using var handle = OpenFolder(folder, 0); // O_RDONLY
        if (handle.IsInvalid || FlushHandle(handle) != 0)
        {
            const int invalid = 22, notSupported = 95; // EINVAL, ENOTSUP: the file system cannot flush folders
            var error = Marshal.GetLastPInvokeError();
            if (error is not (invalid or notSupported))
            {
                throw new IOException(
                    $"{folder}: cannot be flushed to the disk: {Marshal.GetPInvokeErrorMessage(error)}");
            }
        }
    }

    private static void TryDelete(string path)
    {
        try
        {
            File.Delete(path);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            // The first error is the one that is reported.
        }
    }

    [LibraryImport("libc", EntryPoint = "open", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial SafeFileHandle OpenFolder(string path, int flags);

    [LibraryImport("libc", EntryPoint = "fsync", SetLastError = true)]
    private static partial int FlushHandle(SafeFileHandle handle);
}
