namespace MoCoSharp.Data.Datasets;

/// <summary>Counts the members of shards that are neither images nor labels, by ending.</summary>
internal sealed class MemberEndings
{
    private const int Kept = 100; // endings; an untrusted archive may have any number
    private const int NamedKinds = 8;
    private const int LongestEnding = 16;

    private readonly Dictionary<string, int> _counts = new(StringComparer.Ordinal);
    private string? _first;

    /// <summary>Counts one member.</summary>
    /// <param name="name">The name, without its folder.</param>
    /// <param name="place">The place in the archive.</param>
    public void Add(string name, string place)
    {
        _first ??= place;
        var ending = Path.GetExtension(name).ToLowerInvariant();
        Add(ending.Length switch { <= 1 => "without ending", <= LongestEnding => ending, _ => "of other endings" }, 1);
    }

    /// <summary>Adds the counts of another object.</summary>
    public void Add(MemberEndings other)
    {
        _first ??= other._first;
        foreach (var (ending, count) in other._counts)
        {
            Add(ending, count);
        }
    }

    /// <summary>One sentence, or nothing.</summary>
    public IEnumerable<DataNotice> Notices(string source)
    {
        var all = _counts.OrderByDescending(item => item.Value).ThenBy(item => item.Key, StringComparer.Ordinal)
            .Select(item => (Ending: item.Key, Count: item.Value)).ToList();
        var told = string.Join(", ", all.Take(NamedKinds).Select(item => $"{item.Count} {item.Ending}"));
        var rest = all.Skip(NamedKinds).Sum(item => item.Count);
        return _first is null
            ? []
            : [new($"{source}: members that are neither images nor .cls files were skipped: " +
                $"{told}{(rest > 0 ? $", {rest} others" : "")}; the first is {_first}.")];
    }

    private void Add(string ending, int count)
    {
        var key = _counts.ContainsKey(ending) || _counts.Count < Kept ? ending : "of other endings";
        _counts[key] = _counts.GetValueOrDefault(key) + count;
    }
}
