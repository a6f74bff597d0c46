namespace MoCoSharp.Data.Images;

/// <summary>What tells whether a file has changed, without opening it.</summary>
/// <param name="Length">In bytes.</param>
/// <param name="Written">When it was last written.</param>
internal readonly record struct FileStamp(long Length, DateTime Written)
{
    private static readonly TimeSpan Settling = TimeSpan.FromSeconds(2);

    /// <summary>Of a file; null where it is not there.</summary>
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
    /// Whether it was written long enough ago: one that was written just now may be changed again without a new stamp.
    /// </summary>
    public bool IsSettled => Written < DateTime.UtcNow - Settling;
}
