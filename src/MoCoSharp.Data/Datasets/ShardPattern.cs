using System.Globalization;

namespace MoCoSharp.Data.Datasets;

/// <summary>Expands a pattern of shard names to paths.</summary>
internal static class ShardPattern
{
    private const int MostShards = 100_000;

    /// <summary>
    /// Endings that identify shards. Compressed archives are among them, and are refused with a hint.
    /// </summary>
    public static readonly string[] Endings =
        [".tar", ".tar.gz", ".tgz", ".tar.bz2", ".tbz2", ".tar.xz", ".txz", ".tar.zst"];

    /// <summary>Expands braces to each number in turn, and * to the existing files in ordinal order.</summary>
    /// <exception cref="DataSourceException">The source is not a pattern, or no file matches.</exception>
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
                $"{source}: expected one pair of braces with two numbers, the first not above the second, " +
                "as in shards/{000..099}.tar; several ranges as in shards/{000..041,043..099}.tar.");
        }

        return
        [
            .. ranges
                .SelectMany(range => Numbers(range!.Value))
                .Select(number => source[..open] + number + source[(close + 1)..])
                .Distinct(),
        ];
    }

    private static IEnumerable<string> Numbers((int From, int To, int Width) range) => Enumerable
        .Range(range.From, range.To - range.From + 1)
        .Select(number => number.ToString(CultureInfo.InvariantCulture).PadLeft(range.Width, '0'));

    /// <summary>Refuses a pattern if some of its shards are missing, and suggests a pattern for the others.</summary>
    /// <param name="source">The pattern.</param>
    /// <param name="paths">The expanded paths.</param>
    /// <exception cref="DataSourceException">Some shards exist, and others do not.</exception>
    public static void ThrowIfMissing(string source, IReadOnlyList<string> paths)
    {
        var missing = paths.Where(path => !Path.Exists(path)).ToList();
        if (missing.Count == 0 || missing.Count == paths.Count)
        {
            return; // if all are missing, opening them reports it
        }

        var (before, after) = (source.IndexOf('{'), source.Length - source.IndexOf('}') - 1);
        var runs = new List<(string First, string Last)>();
        foreach (var number in paths.Except(missing).Select(path => path[before..^after]))
        {
            if (runs.Count > 0 && Value(runs[^1].Last) + 1 == Value(number))
            {
                runs[^1] = (runs[^1].First, number);
            }
            else
            {
                runs.Add((number, number));
            }
        }

        var others = string.Join(
            ',',
            runs.Select(run => run.First == run.Last ? run.First : $"{run.First}..{run.Last}"));
        throw new DataSourceException(
            $"{source}: {missing.Count} of {paths.Count} shards are missing: {DataNotice.Some(missing, 5)}. " +
            $"Download them, or give the others: '{source[..before]}{{{others}}}{source[^after..]}'.");

        static int Value(string number) => int.Parse(number, CultureInfo.InvariantCulture);
    }

    // "000..099", or a single number.
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
        var given = Path.GetDirectoryName(source) ?? "";
        var folder = given.Length > 0 ? given : ".";
        if (folder.Contains('*') || !Directory.Exists(folder))
        {
            throw new DataSourceException(
                $"{source}: expected an existing folder, and * in the file's name alone, as in shards/*.tar.");
        }

        var options = new EnumerationOptions { MatchType = MatchType.Simple, MatchCasing = MatchCasing.CaseSensitive };
        var found = SourceFile.Guard(folder, () => Directory.GetFiles(folder, Path.GetFileName(source), options))
            .Select(file => Path.GetFileName(file))
            .Where(name => !name.StartsWith('.'))
            .Order(StringComparer.Ordinal)
            .ToList();
        return found.Count is > 0 and <= MostShards
            ? [.. found.Select(name => Path.Combine(given, name))]
            : throw new DataSourceException(
                $"{source}: {found.Count} files fit, expected 1 to {MostShards} shards. Quote the pattern for the " +
                "shell, as 'shards/*.tar'.");
    }
}
