namespace MoCoSharp.Data.Datasets;

/// <summary>Members of shards that are neither images nor labels, counted by ending.</summary>
internal sealed class MemberEndings
{
    private const int Kept = 100; // endings; a stranger's archive may have any number
    private const int Told = 8;
    private const int LongestEnding = 16;

    private readonly Dictionary<string, int> counts = new(StringComparer.Ordinal);
    private string? first;

    /// <summary>One more.</summary>
    /// <param name="name">Without its folder.</param>
    /// <param name="place">Where it is.</param>
    public void Add(string name, string place)
    {
        first ??= place;
        var ending = Path.GetExtension(name).ToLowerInvariant();
        Add(ending.Length switch { <= 1 => "without ending", <= LongestEnding => ending, _ => "of other endings" }, 1);
    }

    /// <summary>All that another has counted.</summary>
    public void Add(MemberEndings other)
    {
        first ??= other.first;
        foreach (var (ending, count) in other.counts)
        {
            Add(ending, count);
        }
    }

    /// <summary>One sentence, or none.</summary>
    public IEnumerable<DataNotice> Notices(string source)
    {
        var all = counts.OrderByDescending(item => item.Value).ThenBy(item => item.Key, StringComparer.Ordinal)
            .Select(item => (Ending: item.Key, Count: item.Value)).ToList();
        var told = string.Join(", ", all.Take(Told).Select(item => $"{item.Count} {item.Ending}"));
        var rest = all.Skip(Told).Sum(item => item.Count);
        return first is null
            ? []
            : [new($"{source}: members that are neither images nor .cls files were passed over: " +
                $"{told}{(rest > 0 ? $", {rest} others" : "")}; the first is {first}.")];
    }

    private void Add(string ending, int count)
    {
        var key = counts.ContainsKey(ending) || counts.Count < Kept ? ending : "of other endings";
        counts[key] = counts.GetValueOrDefault(key) + count;
    }
}
