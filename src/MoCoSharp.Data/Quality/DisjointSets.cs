namespace MoCoSharp.Data.Quality;

/// <summary>Items in sets that are joined step by step (union-find): the connected components of a graph.</summary>
/// <param name="count">Number of items, each in a set of its own at first.</param>
internal sealed class DisjointSets(int count)
{
    private readonly int[] _parents = [.. Enumerable.Range(0, count)];
    private readonly int[] _sizes = [.. Enumerable.Repeat(1, count)]; // of the set, at its root

    /// <summary>The item that stands for the set of an item.</summary>
    public int RootOf(int item)
    {
        while (_parents[item] != item)
        {
            _parents[item] = _parents[_parents[item]];
            item = _parents[item];
        }

        return item;
    }

    /// <summary>Number of items in the set of an item.</summary>
    public int SizeOf(int item) => _sizes[RootOf(item)];

    /// <summary>Joins the sets of two items.</summary>
    /// <returns>False if they were in one set already.</returns>
    public bool Join(int first, int second)
    {
        (first, second) = (RootOf(first), RootOf(second));
        if (first == second)
        {
            return false;
        }

        var (large, small) = _sizes[first] >= _sizes[second] ? (first, second) : (second, first);
        _parents[small] = large;
        _sizes[large] += _sizes[small];
        return true;
    }
}
