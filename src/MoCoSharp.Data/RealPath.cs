namespace MoCoSharp.Data;

/// <summary>Paths without links: equal for two names of one file.</summary>
internal static class RealPath
{
    /// <summary>The path of a file, with every link in it followed.</summary>
    /// <param name="path">A file that exists.</param>
    public static string Of(string path)
    {
        var full = Path.GetFullPath(path);
        if (Path.GetDirectoryName(full) is not { } parent)
        {
            return full; // the root
        }

        var entry = Path.Combine(Of(parent), Path.GetFileName(full));
        try
        {
            return File.ResolveLinkTarget(entry, returnFinalTarget: true) is { } target ? Of(target.FullName) : entry;
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            return entry;
        }
    }
}
