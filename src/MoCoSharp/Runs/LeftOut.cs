using System.Globalization;
using System.Text.Json.Nodes;

namespace MoCoSharp.Runs;

/// <summary>
/// Images that lost their turns to others: of broken ones, and of those that could not be read at the time.
/// </summary>
/// <param name="BrokenTurns">Turns of images that were read and are none.</param>
/// <param name="UnreadableTurns">
/// Turns of images that could not be read then, for a fault of disk or network; they are tried again.
/// </param>
public sealed record LeftOut(long BrokenTurns, long UnreadableTurns)
{
    private const int MostNamed = 10;

    /// <summary>The broken images by name; of many, the first.</summary>
    public IReadOnlyCollection<string> Broken { get; init; } = [];

    /// <summary>The images that could not be read, by name; of many, the first.</summary>
    public IReadOnlyCollection<string> Unreadable { get; init; } = [];

    /// <summary>Whether there are more images than are named.</summary>
    public bool HasMore { get; init; }

    /// <summary>Steps after which the latest of them was told; 0 where that is not known.</summary>
    public long Step { get; init; }

    /// <summary>As in a report's line of metrics.jsonl: a few names of each.</summary>
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

    /// <summary>All that a log tells; null where nothing was left out.</summary>
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

    /// <summary>In a line for people.</summary>
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

/// <summary>A turn that an image lost.</summary>
/// <param name="Index">In the data set.</param>
/// <param name="IsBroken">Whether it was read and is no image; else it could not be read then.</param>
public readonly record struct LostTurn(int Index, bool IsBroken)
{
    /// <summary>Short, for a state and between processes: the index, and b or u.</summary>
    public override string ToString() =>
        string.Create(CultureInfo.InvariantCulture, $"{Index}{(IsBroken ? 'b' : 'u')}");

    /// <summary>From such texts with spaces between; what is none is passed over.</summary>
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
