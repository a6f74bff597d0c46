using System.Text;
using MoCoSharp.Data.Images;

namespace MoCoSharp.Data.Datasets;

/// <summary>Writes lists of images, which every source of images may be: one path a line, with its class.</summary>
public static class ImageListFile
{
    /// <summary>
    /// Whether a list can name an image of a set: it is a file, without a tab or line break in its name.
    /// </summary>
    /// <param name="images">The set.</param>
    /// <param name="index">0 to Count - 1.</param>
    public static bool CanName(IImageDataset images, int index) =>
        images is IImageFiles files
        && files.PathOf(index).AsSpan().IndexOfAny("\t\r\n\0") < 0
        && ClassOf(images, index).AsSpan().IndexOfAny("\t\r\n\0") < 0;

    /// <summary>Writes a list, in the given order.</summary>
    /// <param name="path">The list. An existing file is replaced.</param>
    /// <param name="images">The set. Its classes are written if each image of the list has one.</param>
    /// <param name="indices">The images of the list, each 0 to Count - 1.</param>
    /// <param name="comment">What the list is, for its first line.</param>
    /// <exception cref="ArgumentException">A list cannot name one of the images.</exception>
    /// <exception cref="IOException">The file cannot be written.</exception>
    public static void Write(string path, IImageDataset images, IReadOnlyList<int> indices, string comment)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        ArgumentNullException.ThrowIfNull(images);
        ArgumentNullException.ThrowIfNull(indices);
        ArgumentNullException.ThrowIfNull(comment);
        var folder = Path.GetDirectoryName(Path.GetFullPath(path))!;
        var hasClasses = indices.All(index => ClassOf(images, index).Length > 0);
        var text = new StringBuilder($"# {new string([.. comment.Select(c => char.IsControl(c) ? '?' : c)])}\n");
        foreach (var index in indices)
        {
            if (!CanName(images, index))
            {
                throw new ArgumentException(
                    $"{images.NameOf(index)}: a list cannot name it, because it is not a file, or has a tab or a " +
                    "line break in its name.",
                    nameof(indices));
            }

            text.Append(Named(((IImageFiles)images).PathOf(index), folder))
                .Append(hasClasses ? $"\t{ClassOf(images, index)}" : "")
                .Append('\n');
        }

        var unfinished = $"{path}.{Environment.ProcessId}.tmp";
        try
        {
            File.WriteAllText(unfinished, text.ToString());
            File.Move(unfinished, path, overwrite: true);
        }
        finally
        {
            File.Delete(unfinished); // only there if it could not be renamed
        }
    }

    private static string ClassOf(IImageDataset images, int index) =>
        images.LabelOf(index) is var label and >= 0 ? images.ClassNames[label] : "";

    // Relative to the list; whole where a link in the folder's path leads elsewhere.
    private static string Named(string file, string folder)
    {
        var relative = Path.GetRelativePath(folder, Path.GetFullPath(file));
        var name = File.Exists(Path.Combine(folder, relative)) ? relative : Path.GetFullPath(file);
        name = name.Replace(Path.DirectorySeparatorChar, '/'); // other systems know no backslash
        return name.StartsWith('#') ? $"./{name}" : name; // a line that begins with # is a comment
    }
}
