using MoCoSharp.Data.Images;

namespace MoCoSharp.Data.Datasets;

/// <summary>Files that a person named: regular ones only, of a bounded size.</summary>
internal static class SourceFile
{
    /// <summary>Opens a file; pipes and folders are refused at once.</summary>
    /// <exception cref="DataSourceException">It cannot be opened.</exception>
    public static FileStream Open(string file) =>
        Guard(file, () => new FileStream(RegularFile.Open(file), FileAccess.Read));

    /// <summary>Reads a whole file.</summary>
    /// <exception cref="DataSourceException">It cannot be read, or is larger than allowed.</exception>
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

    /// <summary>The first bytes of a file, to see what it is; none where it cannot be read.</summary>
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

    /// <summary>Does what reads files, and says which one could not be.</summary>
    /// <exception cref="DataSourceException">It cannot be read.</exception>
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
