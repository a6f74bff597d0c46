namespace MoCoSharp.Data;

/// <summary>Finds the word that was probably meant by a mistyped one.</summary>
internal static class NearestWord
{
    private const int LongestWord = 64;
    private const int MostNames = 10_000; // names of a folder that are compared

    /// <summary>" Did you mean pretrain?", or nothing if no known word is near.</summary>
    public static string DidYouMean(string word, IEnumerable<string> known) =>
        Find(word, known) is { } nearest ? $" Did you mean {nearest}?" : "";

    /// <summary>The nearest known word; null if none is near enough.</summary>
    /// <param name="word">The mistyped word.</param>
    /// <param name="known">The known words.</param>
    public static string? Find(string word, IEnumerable<string> known)
    {
        if (word.Length is 0 or > LongestWord)
        {
            return null;
        }

        // With more than a third of its letters wrong (rounded up), it is another word.
        var (most, typed) = (Math.Min(3, (word.Length + 2) / 3), word.ToUpperInvariant());
        var (nearest, distance) = known
            .Where(item => Math.Abs(item.Length - word.Length) <= most)
            .Select(item => (item, Distance(typed, item.ToUpperInvariant())))
            .DefaultIfEmpty(("", int.MaxValue))
            .MinBy(item => item.Item2);
        return distance <= most ? nearest
            : word.Length >= 4 // "train" is in "pretrain"
                ? known.FirstOrDefault(item => item.Contains(word, StringComparison.OrdinalIgnoreCase))
            : null;
    }

    /// <summary>The same for a missing path, among the names in its folder.</summary>
    public static string DidYouMeanPath(string path)
    {
        try
        {
            var whole = Path.TrimEndingDirectorySeparator(path);
            var (folder, name) = (Path.GetDirectoryName(whole), Path.GetFileName(whole));
            var neighbors = Directory
                .EnumerateFileSystemEntries(string.IsNullOrEmpty(folder) ? "." : folder)
                .Take(MostNames)
                .Select(found => Path.GetFileName(found)!);
            return Find(name, neighbors.Order(StringComparer.Ordinal)) is { } nearest
                ? $" Did you mean {Path.Combine(folder ?? "", nearest)}?"
                : "";
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException or ArgumentException)
        {
            return ""; // the folder does not exist either
        }
    }

    // Letters to insert, remove, replace or swap with their neighbors: optimal string alignment.
    private static int Distance(string first, string second)
    {
        var cells = new int[first.Length + 1, second.Length + 1]; // of the first i and the first j letters
        for (var i = 0; i <= first.Length; i++)
        {
            for (var j = 0; j <= second.Length; j++)
            {
                cells[i, j] = i == 0 || j == 0 ? i + j
                    : Math.Min(
                        Math.Min(cells[i - 1, j], cells[i, j - 1]) + 1,
                        cells[i - 1, j - 1] + (first[i - 1] == second[j - 1] ? 0 : 1));
                if (i > 1 && j > 1 && first[i - 1] == second[j - 2] && first[i - 2] == second[j - 1])
                {
                    cells[i, j] = Math.Min(cells[i, j], cells[i - 2, j - 2] + 1);
                }
            }
        }

        return cells[first.Length, second.Length];
    }
}
