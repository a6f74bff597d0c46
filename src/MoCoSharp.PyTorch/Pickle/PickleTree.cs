namespace MoCoSharp.PyTorch;

/// <summary>
/// Whether what a pickle made is a tree that a person could walk: finite, shallow, and not larger than it seems.
/// </summary>
internal static class PickleTree
{
    private const int Deepest = 64;                // levels; a checkpoint with optimizer has 5
    private const long MostVisits = 1L << 24;      // nodes that a walk meets; shared ones count each time they are met

    /// <summary>Checks a tree.</summary>
    /// <exception cref="PickleException">
    /// It contains itself, is too deep, repeats a part without end, or holds what is no value.
    /// </exception>
    public static void Check(PickleValue root)
    {
        var visits = Visits(
            root,
            0,
            new Dictionary<PickleValue, (long Visits, int Height)>(ReferenceEqualityComparer.Instance)
        ).Visits;
        if (visits > MostVisits)
        {
            throw new PickleException(
                $"its values are shared so often that a walk meets more than {MostVisits} of them");
        }
    }

    // Each node is looked at once; a part that is met again counts again, without being walked again.
    private static (long Visits, int Height) Visits(
        PickleValue node,
        int depth,
        Dictionary<PickleValue, (long Visits, int Height)> known)
    {
        if (known.TryGetValue(node, out var before))
        {
            return before.Height >= 0 && depth + before.Height <= Deepest
                ? before
                : throw new PickleException(before.Height < 0 ? "a value contains itself" : TooDeep);
        }

        if (depth > Deepest)
        {
            throw new PickleException(TooDeep);
        }

        IEnumerable<PickleValue>? children = node switch
        {
            PickleList list => list,
            PickleTuple tuple => tuple,
            PickleDictionary dictionary => dictionary.Select(item => item.Value),
            PickleTensor { IsFilled: false } => throw new PickleException("an array has no values"),
            PickleTensor or PickleNone or PickleBoolean or PickleInteger or PickleFloat or PickleText or PickleBytes =>
                null,
            _ => throw new PickleException($"it holds {node.Kind}, which is no value"),
        };
        if (children is null)
        {
            return (1, 0);
        }

        known[node] = (0, -1); // on the way down: meeting it again would be a circle
        long visits = 1;
        var height = 0;
        foreach (var child in children)
        {
            var (inner, innerHeight) = Visits(child, depth + 1, known);
            visits = Math.Min(visits + inner, MostVisits + 1);
            height = Math.Max(height, innerHeight + 1);
        }

        return known[node] = (visits, height);
    }

    private static string TooDeep => $"its values are nested more than {Deepest} deep";
}
