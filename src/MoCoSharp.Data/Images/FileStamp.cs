namespace MoCoSharp.Data.Images;

/// <summary>Detects whether a file has changed, without opening it.</summary>
/// <param name="Length">Size in bytes.</param>
/// <param name="Written">Time of the last write.</param>
internal readonly record struct FileStamp(long Length, DateTime Written)
{
    private static readonly TimeSpan Settling = TimeSpan.FromSeconds(2);

    /// <summary>The stamp of a file; null if the file does not exist.</summary>
    public static FileStamp? Of(string path)
    {
        try
        {
            return new FileInfo(path) is { Exists: true } file
                ? new FileStamp(file.Length, file.LastWriteTimeUtc)
                : null;
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException or ArgumentException)
        {
            return null;
        }
    }

    /// <summary>
    /// Whether the last write is old enough. A file that was just written may change again without a new stamp.
    /// </summary>
    public bool IsSettled => Written < DateTime.UtcNow - Settling;
}
