using MoCoSharp.Data.Datasets;

namespace MoCoSharp.Detection.Datasets;

/// <summary>Finds the image files of a COCO set; nothing outside its folder is ever looked at.</summary>
/// <param name="folder">Of the images.</param>
internal sealed class CocoImages(string folder)
{
    // A folder is listed once: asking for each of 118,000 files takes long on a network disk.
    private readonly Dictionary<string, HashSet<string>> listed = new(StringComparer.Ordinal);

    /// <summary>A file by its name: as it stands there, with / for \, or by its last part alone.</summary>
    /// <param name="name">file_name.</param>
    /// <returns>The path, and whether it is there; null where the name leads out of the folder.</returns>
    public (string? Path, bool IsThere) Find(string name)
    {
        var plain = name.Replace('\\', '/');
        var parts = plain.Split('/');
        var isBelow = plain.Length > 0 && !Path.IsPathRooted(plain) && !plain.Contains(':') && !parts.Contains("..");
        foreach (var path in isBelow ? [name, plain, parts[^1]] : new[] { parts[^1] })
        {
            if (path is not ("" or "." or "..") && IsThere(path))
            {
                return (Path.Combine(folder, path), true);
            }
        }

        return (isBelow ? Path.Combine(folder, plain) : null, false);
    }

    private bool IsThere(string path)
    {
        var full = Path.Combine(folder, path);
        var parent = Path.GetDirectoryName(full)!;
        if (!listed.TryGetValue(parent, out var names))
        {
            var files = Directory.Exists(parent) ? SourceFile.Guard(parent, () => Directory.GetFiles(parent)) : [];
            names = [.. files.Select(file => Path.GetFileName(file))];
            listed[parent] = names;
        }

        return names.Contains(Path.GetFileName(full));
    }
}
