using MoCoSharp.Data.Datasets;

namespace MoCoSharp.Detection.Datasets;

/// <summary>Reads a list of ids of Pascal VOC, ImageSets/Main/SET.txt, with one id a line.</summary>
internal static class VocIds
{
    private const long LargestList = 64 << 20;
    private const int LongestId = 255;

    private static readonly string[] Endings = [".xml", .. VocImages.Endings];

    /// <summary>Every id once, in the order of the list.</summary>
    /// <param name="path">Path of the list.</param>
    /// <param name="annotations">The folder Annotations, used to interpret the lines.</param>
    /// <param name="notices">Counts ids that occur more than once.</param>
    /// <exception cref="DataSourceException">The file is not such a list.</exception>
    public static IReadOnlyList<string> Read(string path, string annotations, Tally notices)
    {
        var times = new Dictionary<string, int>(StringComparer.Ordinal);
        var ids = new List<string>();
        using var reader = new StreamReader(new MemoryStream(SourceFile.ReadAll(path, LargestList)));
        for (var number = 1; reader.ReadLine() is { } line; number++)
        {
            if (line.Trim() is not { Length: > 0 } text)
            {
                continue;
            }

            var id = Understood(text, annotations);
            if (id.Length > LongestId || id.AsSpan().ContainsAny("/\\\0") || id is "." or "..")
            {
                throw new DataSourceException(
                    $"{path}, line {number}: is not an id of an image: \"{BoxNotices.Shortened(id)}\", " +
                    "expected a file name without folder and ending, such as 000005.");
            }

            times[id] = times.GetValueOrDefault(id) + 1;
            if (times[id] == 1)
            {
                ids.Add(id);
            }
        }

        foreach (var id in ids.Where(id => times[id] > 1))
        {
            notices.Add(
                $"ids occur in {Path.GetFileName(path)} more than once, and count once", $"{id} ({times[id]} times)");
        }

        return ids;
    }

    // The whole line, if an annotation has this name. Lists of one class have a second column of 1, -1 or 0. Some lists
    // have paths and endings.
    private static string Understood(string line, string annotations)
    {
        if (IsThere(line))
        {
            return line;
        }

        var blank = line.LastIndexOfAny([' ', '\t']);
        var first = line[(blank + 1)..] is "1" or "-1" or "0" or "+1" && blank > 0 ? line[..blank].Trim() : line;
        if (IsThere(first))
        {
            return first;
        }

        // Of "JPEGImages/a.jpg Annotations/a.xml" the first part is enough.
        foreach (var text in new[] { first, first.Split(' ', '\t')[0] })
        {
            var parts = text.Split('/', '\\');
            var ending =
                Endings.FirstOrDefault(known => parts[^1].EndsWith(known, StringComparison.OrdinalIgnoreCase)) ?? "";
            var name = parts[^1][..^ending.Length];
            var isOurs = parts.Length == 1 || parts[^2] is "JPEGImages" or "Annotations" or ".";
            if (name != text && isOurs && IsThere(name))
            {
                return name;
            }
        }

        return first;

        bool IsThere(string id) =>
            id.Length is > 0 and <= LongestId && !id.AsSpan().ContainsAny("/\\\0")
            && File.Exists(Path.Combine(annotations, id + ".xml"));
    }
}
