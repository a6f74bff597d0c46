using MoCoSharp.Data.Images;

namespace MoCoSharp.Data.Datasets;

/// <summary>Reads files that a user named: regular files of a limited size.</summary>
internal static class SourceFile
{
    /// <summary>Opens a file. Pipes and folders are refused at once.</summary>
    /// <exception cref="DataSourceException">The file cannot be opened.</exception>
    public static FileStream Open(string file) =>
        Guard(file, () => new FileStream(RegularFile.Open(file), FileAccess.Read));

    /// <summary>Reads a whole file.</summary>
    /// <exception cref="DataSourceException">The file cannot be read, or is too large.</exception>
    public static byte[] ReadAll(string file, long largest) => Guard(file, () =>
    {
        using var stream = new FileStream(RegularFile.Open(file), FileAccess.Read);
        if (stream.Length > largest)
        {
            throw new DataSourceException(
                $"{file}: {stream.Length} bytes, expected at most {largest}. Is it the right file?");
        }

        var bytes = new byte[stream.Length];
        stream.ReadExactly(bytes);
        return bytes;
    });

    /// <summary>The first bytes of a file, to find its kind; empty if it cannot be read.</summary>
    public static byte[] Head(string file, int length = FileSignature.HeadBytes)
    {
        try
        {
            using var handle = RegularFile.Open(file);
            var head = new byte[length];
            return head[..RandomAccess.Read(handle, head, fileOffset: 0)];
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException or NotSupportedException)
        {
            return [];
        }
    }

    /// <summary>Runs a function that reads a file, and names the file if that fails.</summary>
    /// <exception cref="DataSourceException">The file cannot be read.</exception>
    public static T Guard<T>(string file, Func<T> read)
    {
        try
        {
            return read();
        }
        catch (Exception error)
            when (error is IOException or UnauthorizedAccessException or InvalidDataException or NotSupportedException)
        {
            throw new DataSourceException(
                $"{file}: cannot be read: {error.Message} Check the path and who may read it.",
                error);
        }
    }
}
