namespace MoCoSharp.PyTorch;

/// <summary>
/// Checks that the values of a pickle form a reasonable tree: finite, shallow, and without excessive sharing.
/// </summary>
internal static class PickleTree
{
    private const int Deepest = 64;                // levels; a checkpoint with optimizer has 5
    private const long MostVisits = 1L << 24;      // nodes visited; a shared node counts each time

    /// <summary>Checks a tree.</summary>
    /// <exception cref="PickleException">
    /// The tree contains itself, is too deep, shares nodes excessively, or holds something other than values.
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
                $"its values are shared so often that a walk visits more than {MostVisits} of them");
        }
    }

    // Each node is walked once. A shared node adds its count again, without another walk.
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
            _ => throw new PickleException($"it holds {node.Kind}, which is not a value"),
        };
        if (children is null)
        {
            return (1, 0);
        }

        known[node] = (0, -1); // marks the path from the root, to detect cycles
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
