using System.Globalization;
using System.Text.Json.Nodes;

namespace MoCoSharp.Runs;

/// <summary>
/// Images that were left out and replaced by others: broken images, and images that could not be read at the time.
/// </summary>
/// <param name="BrokenTurns">How often a file was left out because it is no valid image.</param>
/// <param name="UnreadableTurns">
/// How often an image was left out because of a disk or network fault. It is tried again in the next epoch.
/// </param>
internal sealed record LeftOut(long BrokenTurns, long UnreadableTurns)
{
    private const int MostNamed = 10;

    /// <summary>Names of the broken images; only the first if there are many.</summary>
    public IReadOnlyCollection<string> Broken { get; init; } = [];

    /// <summary>Names of the images that could not be read; only the first if there are many.</summary>
    public IReadOnlyCollection<string> Unreadable { get; init; } = [];

    /// <summary>Whether there are more images than names.</summary>
    public bool HasMore { get; init; }

    /// <summary>Step of the latest report of a left-out image; 0 if unknown.</summary>
    public long Step { get; init; }

    /// <summary>The form in metrics.jsonl, with a few names of each kind.</summary>
    public JsonObject ToJson()
    {
        var json = new JsonObject { ["broken"] = BrokenTurns, ["unreadable"] = UnreadableTurns };
        Add("brokenImages", Broken);
        Add("unreadableImages", Unreadable);
        if (HasMore || Broken.Count > MostNamed || Unreadable.Count > MostNamed)
        {
            json["more"] = true;
        }

        return json;

        void Add(string key, IReadOnlyCollection<string> names)
        {
            if (names.Count > 0)
            {
                json[key] = new JsonArray([.. names.Take(MostNamed).Select(name => (JsonNode)name)]);
            }
        }
    }

    /// <summary>Sums up a log; null if no image was left out.</summary>
    /// <param name="metrics">The lines of metrics.jsonl.</param>
    public static LeftOut? Sum(IEnumerable<JsonObject> metrics)
    {
        ArgumentNullException.ThrowIfNull(metrics);
        var (broken, unreadable) = (
            new SortedSet<string>(StringComparer.Ordinal),
            new SortedSet<string>(StringComparer.Ordinal));
        var sum = new LeftOut(0, 0);
        foreach (var line in metrics)
        {
            if (line["leftOut"] is JsonObject told)
            {
                broken.UnionWith(Names(told["brokenImages"]));
                unreadable.UnionWith(Names(told["unreadableImages"]));
                sum = new LeftOut(
                    sum.BrokenTurns + Number(told["broken"]),
                    sum.UnreadableTurns + Number(told["unreadable"]))
                {
                    HasMore = sum.HasMore || told["more"] is not null,
                    Step = Number(line["step"]),
                };
            }
        }

        return sum is { BrokenTurns: 0, UnreadableTurns: 0 }
            ? null
            : sum with
            {
                Broken = broken,
                Unreadable = unreadable,
            };

        long Number(JsonNode? node) =>
            node is JsonValue value && value.TryGetValue<long>(out var number) ? Math.Max(0, number) : 0;

        IEnumerable<string> Names(JsonNode? node) => node is JsonArray names
            ? names
                .Select(name => name is JsonValue value && value.TryGetValue<string>(out var text) ? text : null)
                .OfType<string>()
            : [];
    }

    /// <summary>A line for users.</summary>
    public string Describe()
    {
        List<string> parts = [];
        if (BrokenTurns > 0)
        {
            parts.Add($"{Images(Broken)} broken and left out {Times(BrokenTurns)} ({Some(Broken)})");
        }

        if (UnreadableTurns > 0)
        {
            parts.Add(
                $"{Images(Unreadable)} left out {Times(UnreadableTurns)} because " +
                $"{(Unreadable.Count == 1 && !HasMore ? "it" : "they")} could not be read then ({Some(Unreadable)})");
        }

        return string.Join("; ", parts);

        string Images(IReadOnlyCollection<string> names) =>
            string.Create(
                CultureInfo.InvariantCulture,
                $"{(HasMore ? "at least " : "")}{names.Count:N0} " +
                $"{(names.Count == 1 && !HasMore ? "image was" : "images were")}");

        static string Times(long turns) =>
            turns == 1 ? "once" : string.Create(CultureInfo.InvariantCulture, $"{turns:N0} times");

        static string Some(IReadOnlyCollection<string> names) =>
            string.Join(", ", names.Take(5)) + (names.Count > 5 ? ", ..." : "");
    }
}

/// <summary>One time that an image was left out.</summary>
/// <param name="Index">Index in the data set.</param>
/// <param name="IsBroken">Whether the file is no valid image. Otherwise it could not be read at the time.</param>
internal readonly record struct LostTurn(int Index, bool IsBroken)
{
    /// <summary>A short form for checkpoints and messages between processes: the index, and b or u.</summary>
    public override string ToString() =>
        string.Create(CultureInfo.InvariantCulture, $"{Index}{(IsBroken ? 'b' : 'u')}");

    /// <summary>Parses short forms separated by spaces; skips invalid ones.</summary>
    public static IEnumerable<LostTurn> Parse(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        foreach (var part in text.Split(' ', StringSplitOptions.RemoveEmptyEntries))
        {
            if (
                part[^1] is 'b' or 'u'
                && int.TryParse(part[..^1], NumberStyles.None, CultureInfo.InvariantCulture, out var index))
            {
                yield return new LostTurn(index, part[^1] == 'b');
            }
        }
    }
}
