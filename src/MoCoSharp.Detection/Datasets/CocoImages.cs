using MoCoSharp.Data.Datasets;

namespace MoCoSharp.Detection.Datasets;

/// <summary>Finds the image files of a COCO set, only inside its folder.</summary>
/// <param name="folder">Folder of the images.</param>
internal sealed class CocoImages(string folder)
{
    // Each folder is listed once. Checking each of 118,000 files is slow on a network disk.
    private readonly Dictionary<string, HashSet<string>> _listed = new(StringComparer.Ordinal);

    /// <summary>Finds a file by its name: as written, with / for \, or by its last part alone.</summary>
    /// <param name="name">The file_name of COCO.</param>
    /// <returns>The path, and whether the file exists; null if the name points outside the folder.</returns>
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
        if (!_listed.TryGetValue(parent, out var names))
        {
            var files = Directory.Exists(parent) ? SourceFile.Guard(parent, () => Directory.GetFiles(parent)) : [];
            names = [.. files.Select(file => Path.GetFileName(file))];
            _listed[parent] = names;
        }

        return names.Contains(Path.GetFileName(full));
    }
}
