using System.Globalization;

namespace MoCoSharp.Data.Datasets;

/// <summary>The paths that a pattern of shards stands for.</summary>
internal static class ShardPattern
{
    private const int MostShards = 100_000;

    /// <summary>By which a source is taken for shards. The compressed ones are none, and are told how to become some.</summary>
    public static readonly string[] Endings = [".tar", ".tar.gz", ".tgz", ".tar.bz2", ".tbz2", ".tar.xz", ".txz", ".tar.zst"];

    /// <summary>Each number of the braces in turn; or what is there, in ordinal order, for a *.</summary>
    /// <exception cref="DataSourceException">It is no pattern, or nothing fits it.</exception>
    public static IReadOnlyList<string> Expand(string source)
    {
        var (open, close) = (source.IndexOf('{'), source.IndexOf('}'));
        if (open < 0 && close < 0)
        {
            return source.Contains('*') ? Matching(source) : [source];
        }

        var ranges = open < close && open >= 0 ? source[(open + 1)..close].Split(',').Select(Range).ToList() : [null];
        if (ranges.Contains(null) || ranges.Sum(range => 1L + range!.Value.To - range.Value.From) > MostShards
            || source.LastIndexOf('{') != open || source.LastIndexOf('}') != close)
        {
            throw new DataSourceException(
                $"{source}: expected one pair of braces with two numbers, the first not above the second, as in shards/{{000..099}}.tar; " +
                "several ranges as in shards/{000..041,043..099}.tar.");
        }

        return [.. ranges.SelectMany(range => Enumerable.Range(range!.Value.From, range.Value.To - range.Value.From + 1).Select(number =>
            source[..open] + number.ToString(CultureInfo.InvariantCulture).PadLeft(range.Value.Width, '0') + source[(close + 1)..]))];
    }

    // "000..099", or one number.
    private static (int From, int To, int Width)? Range(string text)
    {
        var ends = text.Split("..");
        return ends.Length <= 2
            && int.TryParse(ends[0], NumberStyles.None, CultureInfo.InvariantCulture, out var from)
            && int.TryParse(ends[^1], NumberStyles.None, CultureInfo.InvariantCulture, out var to)
            && to >= from
            ? (from, to, ends[0].Length)
            : null;
    }

    private static IReadOnlyList<string> Matching(string source)
    {
        var (folder, name) = (Path.GetDirectoryName(source) is { Length: > 0 } given ? given : ".", Path.GetFileName(source));
        if (folder.Contains('*') || !Directory.Exists(folder))
        {
            throw new DataSourceException($"{source}: expected an existing folder, and * in the file's name alone, as in shards/*.tar.");
        }

        var found = SourceFile.Guard(folder, () => Directory.GetFiles(folder, name, new EnumerationOptions { MatchType = MatchType.Simple, MatchCasing = MatchCasing.CaseSensitive }));
        return found.Length is > 0 and <= MostShards
            ? [.. found.Where(file => !Path.GetFileName(file).StartsWith('.')).Select(file => Path.Combine(Path.GetDirectoryName(source) ?? "", Path.GetFileName(file))).Order(StringComparer.Ordinal)]
            : throw new DataSourceException($"{source}: {found.Length} files fit, expected 1 to {MostShards} shards. Quote the pattern for the shell, as 'shards/*.tar'.");
    }
}
