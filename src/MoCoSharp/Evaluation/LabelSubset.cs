using MoCoSharp.Data.Datasets;
using MoCoSharp.Data.Views;

namespace MoCoSharp.Evaluation;

/// <summary>
/// Selects the images that keep their labels: a share of every class, drawn by a seed, or a published list.
/// </summary>
internal static class LabelSubset
{
    /// <summary>Draws the same share of every class, at least one image of each.</summary>
    /// <param name="data">Labeled images.</param>
    /// <param name="share">Above 0, at most 1.</param>
    /// <param name="seed">The same seed gives the same images.</param>
    /// <returns>Indices in ascending order.</returns>
    /// <exception cref="InvalidDataException">The set has no labels.</exception>
    public static int[] Stratified(IImageDataset data, double share, long seed)
    {
        ArgumentNullException.ThrowIfNull(data);
        if (!(share is > 0 and <= 1))
        {
            throw new ArgumentOutOfRangeException(
                nameof(share),
                share,
                "Expected a share of the labels above 0 and at most 1.");
        }

        var chosen = new List<int>();
        foreach (
            var group in Enumerable
                .Range(0, data.Count)
                .Where(index => data.LabelOf(index) >= 0)
                .GroupBy(data.LabelOf)
                .OrderBy(group => group.Key))
        {
            int[] members = [.. group];
            RandomStreams.LabelSubset(seed, group.Key).Shuffle(members.AsSpan());
            chosen.AddRange(members[..Math.Max(1, (int)Math.Round(members.Length * share))]);
        }

        return chosen.Count > 0
            ? [.. chosen.Order()]
            : throw new InvalidDataException(
                $"{data.Description}: has no labels. Labels are class folders, or a second column of a list file.");
    }

    /// <summary>
    /// Reads a list with one image a line: the name that `moco embed` writes, or the file name alone.
    /// </summary>
    /// <param name="data">Labeled images.</param>
    /// <param name="path">The list; empty lines are skipped.</param>
    /// <returns>Indices in ascending order, each once.</returns>
    /// <exception cref="InvalidDataException">
    /// The list names missing images, or file names that several images share.
    /// </exception>
    public static int[] FromList(IImageDataset data, string path)
    {
        ArgumentNullException.ThrowIfNull(data);
        var byName = new Dictionary<string, int>(StringComparer.Ordinal);
        var byFile = new Dictionary<string, int>(StringComparer.Ordinal); // -1 if several images have this file name
        for (var index = 0; index < data.Count; index++)
        {
            var name = data.NameOf(index);
            byName[name] = index;
            var file = Path.GetFileName(name);
            byFile[file] = byFile.ContainsKey(file) ? -1 : index;
        }

        var chosen = new SortedSet<int>();
        var unknown = new List<string>();
        foreach (var line in File.ReadLines(path).Select(line => line.Trim()).Where(line => line.Length > 0))
        {
            var index = byName.TryGetValue(line, out var exact) ? exact : byFile.GetValueOrDefault(line, -1);
            if (index < 0 || data.LabelOf(index) < 0)
            {
                unknown.Add(line);
            }
            else
            {
                chosen.Add(index);
            }
        }

        return unknown.Count == 0 && chosen.Count > 0
            ? [.. chosen]
            : throw new InvalidDataException(unknown.Count == 0
                ? $"{path}: the list names no image."
                : $"{path}: {unknown.Count} lines do not name exactly one labeled image of {data.Description} " +
                    $"({string.Join(", ", unknown.Take(5))}{(unknown.Count > 5 ? ", ..." : "")}): "
                    + "expected a name such as "
                    + data.NameOf(0)
                    + ", or a file name that only one image has.");
    }

    /// <summary>Writes a subset as a list that <see cref="FromList"/> reads.</summary>
    public static void Save(IImageDataset data, IEnumerable<int> indices, string path)
    {
        ArgumentNullException.ThrowIfNull(data);
        ArgumentNullException.ThrowIfNull(indices);
        File.WriteAllLines(path, indices.Select(data.NameOf));
    }
}
