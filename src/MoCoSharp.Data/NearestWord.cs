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

        // A word of three letters with two wrong ones is another word.
        var (most, typed) = (Math.Min(3, 1 + (word.Length / 3)), word.ToUpperInvariant());
        var (nearest, distance) = known
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

    // Levenshtein distance.
    private static int Distance(string first, string second)
    {
        var row = Enumerable.Range(0, second.Length + 1).ToArray();
        for (var i = 1; i <= first.Length; i++)
        {
            var diagonal = row[0];
            row[0] = i;
            for (var j = 1; j <= second.Length; j++)
            {
                (diagonal, row[j]) = (
                    row[j],
                    Math.Min(Math.Min(row[j], row[j - 1]) + 1, diagonal + (first[i - 1] == second[j - 1] ? 0 : 1)));
            }
        }

        return row[^1];
    }
}
