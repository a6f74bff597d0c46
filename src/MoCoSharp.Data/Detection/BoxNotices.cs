namespace MoCoSharp.Data.Detection;

/// <summary>What is dropped while annotations are read: the first few by name, the rest counted.</summary>
internal sealed class BoxNotices(string source)
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

    /// <summary>A sentence a kind.</summary>
    public IReadOnlyList<string> Sentences() =>
        [.. found.Select(item => $"{source}: {item.Value.Count} {item.Key}: {string.Join(", ", item.Value.First)}{(item.Value.Count > Told ? ", ..." : "")}.")];

    /// <summary>The box, cut to its image; null, and told, where nothing is left.</summary>
    /// <param name="box">As annotated.</param>
    /// <param name="width">Of the image.</param>
    /// <param name="height">Of the image.</param>
    /// <param name="place">Where it stands.</param>
    public ObjectBox? Inside(ObjectBox box, int width, int height, string place)
    {
        if (!double.IsFinite(box.Left) || !double.IsFinite(box.Top) || !double.IsFinite(box.Right) || !double.IsFinite(box.Bottom))
        {
            Add("boxes whose corners are no numbers were dropped", place);
            return null;
        }

        if (box.Width <= 0 || box.Height <= 0)
        {
            Add("boxes without area were dropped", place);
            return null;
        }

        var cut = box with
        {
            Left = Math.Clamp(box.Left, 0, width), Top = Math.Clamp(box.Top, 0, height),
            Right = Math.Clamp(box.Right, 0, width), Bottom = Math.Clamp(box.Bottom, 0, height),
        };
        if (cut.Width <= 0 || cut.Height <= 0)
        {
            Add("boxes outside their image were dropped", place);
            return null;
        }

        if (cut != box)
        {
            Add("boxes that leave their image were cut to it", place);
        }

        return cut;
    }
}
