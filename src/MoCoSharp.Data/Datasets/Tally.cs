namespace MoCoSharp.Data.Datasets;

/// <summary>Counts skipped or corrected items while a source is read: by kind, with the first few names.</summary>
/// <param name="source">Name of the source in messages.</param>
internal sealed class Tally(string source)
{
    private const int NamedPlaces = 5; // names for each kind

    private readonly Dictionary<string, (int Count, List<string> First)> _found = new(StringComparer.Ordinal);

    /// <summary>Counts an item of a kind at a place.</summary>
    public void Add(string kind, string place)
    {
        var (count, first) = _found.TryGetValue(kind, out var item) ? item : (0, []);
        if (first.Count < NamedPlaces)
        {
            first.Add(place);
        }

        _found[kind] = (count + 1, first);
    }

    /// <summary>Adds the counts of another tally.</summary>
    public void Add(Tally other)
    {
        foreach (var (kind, (count, first)) in other._found)
        {
            var (before, places) = _found.TryGetValue(kind, out var item) ? item : (0, []);
            _found[kind] = (before + count, [.. places.Concat(first).Take(NamedPlaces)]);
        }
    }

    /// <summary>The number of items of a kind, and the first; null if there are none.</summary>
    public (int Count, string First)? Of(string kind) =>
        _found.TryGetValue(kind, out var item) ? (item.Count, item.First[0]) : null;

    /// <summary>A warning or a note for each kind.</summary>
    public IEnumerable<DataNotice> Notices(bool isWarning) =>
        Sentences().Select(text => new DataNotice(text, isWarning));

    /// <summary>A sentence for each kind.</summary>
    public IReadOnlyList<string> Sentences() =>
        [.. _found.Select(item => Sentence(item.Key, item.Value.Count, item.Value.First))];

    private string Sentence(string kind, int count, List<string> first) =>
        $"{source}: {count} {kind}: {string.Join(", ", first)}{(count > NamedPlaces ? ", ..." : "")}.";
}
