using MoCoSharp.Data;
using MoCoSharp.Data.Datasets;
using MoCoSharp.Data.Images;

namespace MoCoSharp.Evaluation;

/// <summary>A query of an image search.</summary>
/// <param name="Name">As the user named it; for a folder, the path of the file in it.</param>
/// <param name="Index">Index in the data set, or in the files.</param>
/// <param name="IsInSet">Whether the image is one of the data set.</param>
internal readonly record struct SearchQuery(string Name, int Index, bool IsInSet);

/// <summary>Finds the images that a user names as queries: files, folders, or names in the data set.</summary>
internal sealed class SearchQueries
{
    private readonly List<SearchQuery> _all = [];
    private readonly List<(string Name, string Path)> _files = [];
    private readonly HashSet<string> _paths = new(StringComparer.Ordinal); // of the files, without links
    private readonly List<string> _faults = [];

    /// <summary>Finds the images. None is read yet.</summary>
    /// <param name="named">Paths of files or folders, or names in the data set. A path counts before a name.</param>
    /// <param name="images">The data set.</param>
    public SearchQueries(IReadOnlyList<string> named, IImageDataset images)
    {
        Dictionary<string, int>? byName = null;
        foreach (var text in named.Distinct(StringComparer.Ordinal))
        {
            if (Directory.Exists(text))
            {
                AddFolder(text);
            }
            else if (File.Exists(text))
            {
                AddFile(text, text);
            }
            else if ((byName ??= Names(images)).TryGetValue(text, out var index))
            {
                _all.Add(new SearchQuery(text, index, IsInSet: true));
            }
            else
            {
                var known = images.Count > 0 ? $" A name of it is {images.NameOf(0)}." : "";
                _faults.Add(
                    $"{text}: there is no such file or folder, and {images.Description} has no image of that " +
                    $"name.{known}{NearestWord.DidYouMeanPath(text)}");
            }
        }

        Files = new ImageFiles("the query images", _files);
        var inSet = InSet(images);
        _all.AddRange(_files.Select((file, index) => inSet.TryGetValue(RealPath.Of(file.Path), out var same)
            ? new SearchQuery(file.Name, same, IsInSet: true)
            : new SearchQuery(file.Name, index, IsInSet: false)));
    }

    /// <summary>Every query: images of the data set by name, then files in the order given.</summary>
    public IReadOnlyList<SearchQuery> All => _all;

    /// <summary>Every file that was named, also those of the data set.</summary>
    public ImageFiles Files { get; }

    /// <summary>One sentence for each text that names no image.</summary>
    public IReadOnlyList<string> Faults => _faults;

    private void AddFolder(string folder)
    {
        try
        {
            var found = ImageFolder.Open(folder);
            for (var i = 0; i < found.Count; i++)
            {
                AddFile(Path.Join(folder, found.NameOf(i)), ((IImageFiles)found).PathOf(i));
            }
        }
        catch (DataSourceException error)
        {
            _faults.Add(error.Message);
        }
    }

    // A file that is named twice is one query.
    private void AddFile(string name, string path)
    {
        if (_paths.Add(RealPath.Of(path)))
        {
            _files.Add((name, path));
        }
    }

    // Which of the named files are files of the data set.
    private Dictionary<string, int> InSet(IImageDataset images)
    {
        var found = new Dictionary<string, int>(StringComparer.Ordinal);
        if (images is IImageFiles ofSet && _files.Count > 0)
        {
            // Links are followed for files of the right name only: a set may have a million.
            var names = _paths.Concat(_files.Select(file => file.Path)).Select(path => Path.GetFileName(path))
                .ToHashSet(StringComparer.Ordinal);
            for (var i = 0; i < images.Count; i++)
            {
                var path = ofSet.PathOf(i);
                if (names.Contains(Path.GetFileName(path)) && RealPath.Of(path) is var real && _paths.Contains(real))
                {
                    found.TryAdd(real, i);
                }
            }
        }

        return found;
    }

    private static Dictionary<string, int> Names(IImageDataset images)
    {
        var names = new Dictionary<string, int>(images.Count, StringComparer.Ordinal);
        for (var i = 0; i < images.Count; i++)
        {
            names.TryAdd(images.NameOf(i), i);
        }

        return names;
    }
}
