namespace MoCoSharp.Data.Datasets;

/// <summary>What is passed over or mended while a source is read: counted by kind, the first few by name.</summary>
/// <param name="source">What messages call the source.</param>
internal sealed class Tally(string source)
{
    private const int Told = 5; // of a kind

    private readonly Dictionary<string, (int Count, List<string> First)> found = new(StringComparer.Ordinal);

    /// <summary>One more of a kind, at a place.</summary>
    public void Add(string kind, string place)
    {
        var (count, first) = found.TryGetValue(kind, out var item) ? item : (0, []);
        if (first.Count < Told)
        {
            first.Add(place);
        }

        found[kind] = (count + 1, first);
    }

    /// <summary>All that another has counted.</summary>
    public void Add(Tally other)
    {
        foreach (var (kind, (count, first)) in other.found)
        {
            var (before, places) = found.TryGetValue(kind, out var item) ? item : (0, []);
            found[kind] = (before + count, [.. places.Concat(first).Take(Told)]);
        }
    }

    /// <summary>How many of a kind, and the first of them; null where there is none.</summary>
    public (int Count, string First)? Of(string kind) =>
        found.TryGetValue(kind, out var item) ? (item.Count, item.First[0]) : null;

    /// <summary>A warning a kind, or a note.</summary>
    public IEnumerable<DataNotice> Notices(bool isWarning) =>
        Sentences().Select(text => new DataNotice(text, isWarning));

    /// <summary>A sentence a kind.</summary>
    public IReadOnlyList<string> Sentences() =>
        [.. found.Select(item => Sentence(item.Key, item.Value.Count, item.Value.First))];

    private string Sentence(string kind, int count, List<string> first) =>
        $"{source}: {count} {kind}: {string.Join(", ", first)}{(count > Told ? ", ..." : "")}.";
}
