using MoCoSharp.Data.Images;

namespace MoCoSharp.Data.Datasets;

/// <summary>Images named in a text file: a path a line, relative to the list, then optionally a tab and a class. '#' begins a comment line.</summary>
public sealed class ImageList : IImageDataset, IEncodedImages
{
    private const long LargestList = 256L << 20;
    private const int LongestLine = 32_768;
    private const int FaultsTold = 10;

    private readonly string folder;
    private readonly string[] files;
    private readonly int[] labels;

    private ImageList(string path, string[] files, int[] labels, string[] classNames)
    {
        folder = Path.GetDirectoryName(Path.GetFullPath(path))!;
        Description = path;
        this.files = files;
        this.labels = labels;
        ClassNames = classNames;
    }

    /// <inheritdoc/>
    public int Count => files.Length;

    /// <inheritdoc/>
    public IReadOnlyList<string> ClassNames { get; }

    /// <inheritdoc/>
    public string Description { get; }

    /// <summary>Reads the list; no image is opened yet.</summary>
    /// <param name="path">The text file.</param>
    /// <exception cref="DataSourceException">The list cannot be used; the faulty lines are named.</exception>
    public static ImageList Open(string path)
    {
        var found = new List<string>();
        var classes = new List<string>();
        var lines = new List<int>();
        var faults = new List<string>();
        var number = 0;
        using var reader = new StreamReader(new MemoryStream(SourceFile.ReadAll(path, LargestList)));
        while (reader.ReadLine() is { } line)
        {
            number++;
            if (line.Length > LongestLine || line.Contains('\0'))
            {
                faults.Add($"line {number} has {line.Length} characters or a NUL: is this a text file, a path a line?");
                break;
            }

            if (string.IsNullOrWhiteSpace(line) || line[0] == '#')
            {
                continue;
            }

            var parts = line.Split('\t');
            if (parts.Length > 2 || parts.Any(string.IsNullOrWhiteSpace))
            {
                faults.Add($"line {number}: expected a path, then optionally one tab and a class.");
                continue;
            }

            if (parts.Length == 2 && int.TryParse(parts[1], out var given) && given < 0)
            {
                faults.Add($"line {number}: class {given}, expected 0 and up, or no tab where there is no class.");
                continue;
            }

            lines.Add(number);
            found.Add(parts[0]);
            classes.Add(parts.Length == 2 ? parts[1].Trim() : "");
        }

        if (classes.Any(name => name.Length > 0) && classes.IndexOf("") is var bare and >= 0)
        {
            faults.Add($"line {lines[bare]}: {found[bare]} has no class, and others have one: give every line a class, or none.");
        }

        if (found.Count == 0 && faults.Count == 0)
        {
            faults.Add("names no image. Write a path a line, relative to the list.");
        }

        if (faults.Count > 0)
        {
            throw new DataSourceException($"{path}: {string.Join(" ", faults.Take(FaultsTold))}{(faults.Count > FaultsTold ? $" And {faults.Count - FaultsTold} more." : "")}");
        }

        var names = classes.Where(name => name.Length > 0).Distinct(StringComparer.Ordinal).ToArray();
        Array.Sort(names, names.All(name => int.TryParse(name, out _)) ? Comparer<string>.Create((a, b) => int.Parse(a).CompareTo(int.Parse(b))) : StringComparer.Ordinal);
        var ids = names.Select((name, id) => (name, id)).ToDictionary(item => item.name, item => item.id, StringComparer.Ordinal);
        return new ImageList(path, [.. found], [.. classes.Select(name => name.Length == 0 ? -1 : ids[name])], names);
    }

    /// <inheritdoc/>
    public LabelledImage Read(int index) => Read(index, default);

    /// <inheritdoc/>
    public LabelledImage Read(int index, in DecodeRequest request)
    {
        using var file = ReadEncoded(index);
        return new(file.Decode(request), labels[index]);
    }

    EncodedImage IEncodedImages.ReadEncoded(int index) => ReadEncoded(index);

    /// <inheritdoc/>
    public int LabelOf(int index) => labels[index];

    /// <inheritdoc/>
    public string NameOf(int index) => files[index];

    /// <inheritdoc/>
    public long SizeOf(int index) => new FileInfo(Path.Combine(folder, files[index])) is { Exists: true } file ? file.Length : -1;

    private EncodedImage ReadEncoded(int index) => EncodedImage.Read(Path.Combine(folder, files[index]));
}
