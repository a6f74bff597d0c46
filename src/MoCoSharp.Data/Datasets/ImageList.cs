using System.Globalization;
using MoCoSharp.Data.Images;

namespace MoCoSharp.Data.Datasets;

/// <summary>
/// Images named in a text file: one path a line, relative to the list, optionally followed by a tab and a class. A line
/// that begins with '#' is a comment.
/// </summary>
/// <remarks>
/// If no line has a tab and whole lines are not files, the separator may be the last space, a comma or a semicolon. A
/// first line of column titles is then optional.
/// </remarks>
internal sealed class ImageList : IImageDataset, IEncodedImages, IImageFiles
{
    private const long LargestList = 256L << 20;
    private const int LookedFor = 16; // files checked for existence
    private const int FaultsTold = 10;

    private readonly string _folder;
    private readonly string[] _files;
    private readonly int[] _labels;

    private ImageList(string path, string[] files, int[] labels, string[] classNames, IReadOnlyList<DataNotice> notices)
    {
        Notices = notices;
        _folder = Path.GetDirectoryName(Path.GetFullPath(path))!;
        Description = path;
        _files = files;
        _labels = labels;
        ClassNames = classNames;
    }

    /// <inheritdoc/>
    public int Count => _files.Length;

    /// <inheritdoc/>
    public IReadOnlyList<string> ClassNames { get; }

    /// <inheritdoc/>
    public string Description { get; }

    /// <inheritdoc/>
    public IReadOnlyList<DataNotice> Notices { get; }

    /// <summary>Reads the list. No image is opened yet.</summary>
    /// <param name="path">The text file.</param>
    /// <exception cref="DataSourceException">The list cannot be used. The message names the faulty lines.</exception>
    public static ImageList Open(string path)
    {
        using var reader = new StreamReader(new MemoryStream(SourceFile.ReadAll(path, LargestList)));
        var text = ListText.Of(reader, Path.GetDirectoryName(Path.GetFullPath(path))!);
        var (lines, faults) = (text.Lines, text.Faults);
        faults.AddRange(
            lines
                .Where(line => Number(line.Class) < 0)
                .Select(line =>
                    $"line {line.Number}: class {line.Class}, expected 0 or more, or no tab if there is no class."));
        if (
            lines.Any(line => line.Class.Length > 0)
            && lines.FindIndex(line => line.Class.Length == 0) is var bare and >= 0)
        {
            faults.Add(
                $"line {lines[bare].Number}: {lines[bare].Path} has no class, and others have one: give every line " +
                "a class, or none.");
        }

        if (lines.Count == 0 && faults.Count == 0)
        {
            faults.Add("names no image. Write a path a line, relative to the list.");
        }

        if (faults.Count > 0)
        {
            var more = faults.Count > FaultsTold ? $" And {faults.Count - FaultsTold} more." : "";
            throw new DataSourceException($"{path}: {string.Join(" ", faults.Take(FaultsTold))}{more}");
        }

        // If all classes are whole numbers, "07" and "7" are the same class.
        var spellings = lines
            .Select(line => line.Class)
            .Where(name => name.Length > 0)
            .Distinct(StringComparer.Ordinal)
            .ToList();
        var areNumbers = spellings.TrueForAll(name => Number(name) is not null);
        var groups = spellings.GroupBy(name => areNumbers ? $"{Number(name)}" : name, StringComparer.Ordinal)
            .Select(group => (Name: group.Count() == 1 ? group.First() : group.Key, Spellings: group.ToArray()))
            .ToList();
        groups.Sort(
            (a, b) =>
                areNumbers
                    ? Number(a.Name)!.Value.CompareTo(Number(b.Name)!.Value)
                    : string.CompareOrdinal(a.Name, b.Name));
        var ids = groups
            .SelectMany((group, id) => group.Spellings.Select(name => (name, id)))
            .ToDictionary(item => item.name, item => item.id, StringComparer.Ordinal);
        int[] numbers = [.. lines.Select(line => line.Class.Length == 0 ? -1 : ids[line.Class])];
        return new ImageList(
            path,
            [.. lines.Select(line => line.Path)],
            numbers,
            [.. groups.Select(group => group.Name)],
            [.. NoticesOf(path, text, numbers, groups)]);
    }

    /// <inheritdoc/>
    public LabeledImage Read(int index) => Read(index, default);

    /// <inheritdoc/>
    public LabeledImage Read(int index, in DecodeRequest request)
    {
        using var file = ReadEncoded(index);
        return new(file.Decode(request), _labels[index]);
    }

    EncodedImage IEncodedImages.ReadEncoded(int index) => ReadEncoded(index);

    string IImageFiles.PathOf(int index) => PathOf(index);

    /// <inheritdoc/>
    public int LabelOf(int index) => _labels[index];

    /// <inheritdoc/>
    public string NameOf(int index) => _files[index];

    /// <inheritdoc/>
    public long SizeOf(int index) => new FileInfo(PathOf(index)) is { Exists: true } file ? file.Length : -1;

    // A class that is a whole number, also with leading zeros or a fraction of zeros: "7", "07" or "7.0".
    private static long? Number(string name) =>
        decimal.TryParse(
            name,
            NumberStyles.AllowLeadingSign | NumberStyles.AllowDecimalPoint,
            CultureInfo.InvariantCulture,
            out var value)
        && value == decimal.Truncate(value) && Math.Abs(value) <= int.MaxValue
            ? (long)value
            : null;

    private static IEnumerable<DataNotice> NoticesOf(
        string path, ListText text, int[] numbers, List<(string Name, string[] Spellings)> groups)
    {
        if (text.Manner is { } manner)
        {
            yield return new($"{path}: {manner}");
        }

        foreach (var (name, spellings) in groups.Where(group => group.Spellings.Length > 1).Take(FaultsTold))
        {
            yield return new(
                $"{path}: {string.Join(" and ", spellings.Select(spelling => $"\"{spelling}\""))} are one class, " +
                $"the number {name}.");
        }

        foreach (
            var same in groups
                .GroupBy(group => group.Name, StringComparer.OrdinalIgnoreCase)
                .Where(same => same.Count() > 1)
                .Take(FaultsTold))
        {
            yield return new(
                $"{path}: the classes {string.Join(" and ", same.Select(group => group.Name))} differ only in the " +
                "case of letters, and are separate classes.",
                IsWarning: true);
        }

        var root = Path.GetDirectoryName(Path.GetFullPath(path))!;
        var (seen, twice, contradictory) = (
            new Dictionary<string, int>(StringComparer.Ordinal),
            new List<string>(),
            new List<string>());
        for (var i = 0; i < text.Lines.Count; i++)
        {
            var line = text.Lines[i];
            if (!seen.TryAdd(Path.GetFullPath(Path.Combine(root, line.Path)), i))
            {
                var first = seen[Path.GetFullPath(Path.Combine(root, line.Path))];
                (numbers[first] == numbers[i] ? twice : contradictory).Add(
                    $"{line.Path} in lines {text.Lines[first].Number} and {line.Number}");
            }
        }

        if (contradictory.Count > 0)
        {
            yield return new(
                $"{path}: {DataNotice.Count(contradictory.Count, "file")} named again with another class, and used " +
                $"with both: {DataNotice.Some(contradictory)}",
                IsWarning: true);
        }

        if (twice.Count > 0)
        {
            yield return new(
                $"{path}: {DataNotice.Count(twice.Count, "file")} named again, and used again: " +
                $"{DataNotice.Some(twice)}",
                IsWarning: true);
        }

        var step = Math.Max(1, text.Lines.Count / LookedFor);
        var looked = text
            .Lines.Where((_, i) => i % step == 0)
            .Select(line => Path.Combine(root, line.Path))
            .Take(LookedFor)
            .ToList();
        if (!looked.Exists(File.Exists))
        {
            yield return new(
                $"{path}: none of {looked.Count} files is there. The first: {looked[0]}. Paths are " +
                "relative to the list's folder, and a tab separates path and class.",
                IsWarning: true);
        }
    }

    private string PathOf(int index) => Path.Combine(_folder, _files[index]);

    private EncodedImage ReadEncoded(int index) => EncodedImage.Read(PathOf(index));
}
