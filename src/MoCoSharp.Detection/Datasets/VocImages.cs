using MoCoSharp.Data.Datasets;

namespace MoCoSharp.Detection.Datasets;

/// <summary>Finds the image files in a folder JPEGImages by id, with endings in any case of letters.</summary>
internal sealed class VocImages
{
    /// <summary>Endings of images. If an id has several files, the earlier ending wins.</summary>
    public static readonly string[] Endings =
        [".jpg", ".jpeg", ".jpe", ".jif", ".jfif", ".png", ".bmp", ".webp", ".gif", ".tif", ".tiff"];

    private readonly Dictionary<string, List<string>> _files = new(StringComparer.Ordinal);

    /// <summary>Lists the folder.</summary>
    /// <exception cref="DataSourceException">The folder does not exist.</exception>
    public VocImages(string folder)
    {
        if (!Directory.Exists(folder))
        {
            throw new DataSourceException($"{folder}: there is no such folder of images.");
        }

        foreach (var file in SourceFile.Guard(folder, () => Directory.GetFiles(folder)).Order(StringComparer.Ordinal))
        {
            if (Rank(file) >= 0)
            {
                var id = Path.GetFileNameWithoutExtension(file);
                _files[id] = [.. _files.GetValueOrDefault(id) ?? [], file];
            }
        }
    }

    /// <summary>The file of an id; null if there is none.</summary>
    /// <param name="id">Name of the file, without its ending.</param>
    /// <param name="notices">Counts ids with several files.</param>
    public string? Find(string id, Tally notices)
    {
        if (!_files.TryGetValue(id, out var found))
        {
            return null;
        }

        var taken = found.MinBy(Rank);
        if (found.Count > 1)
        {
            notices.Add(
                "ids have more than one image file, of which one is used",
                $"{Path.GetFileName(taken)} of {string.Join(", ", found.Select(Path.GetFileName))}");
        }

        return taken;
    }

    private static int Rank(string file) =>
        Array.FindIndex(Endings, ending => ending.Equals(Path.GetExtension(file), StringComparison.OrdinalIgnoreCase));
}
