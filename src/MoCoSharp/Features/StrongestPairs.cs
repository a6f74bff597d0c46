using MoCoSharp.Data.Quality;

namespace MoCoSharp.Features;

/// <summary>
/// Keeps, of a stream of pairs, those that connect: the maximum spanning forest. It has the same groups as all pairs,
/// at every higher threshold too, in memory that does not grow with the pairs.
/// </summary>
/// <remarks>Kruskal's algorithm, repeated whenever the buffer is full.</remarks>
/// <param name="count">Number of images, M.</param>
internal sealed class StrongestPairs(int count)
{
    private readonly int _most = Math.Max(1 << 20, 4 * count); // 12 bytes each
    private readonly List<SimilarPair> _pairs = [];

    /// <summary>Number of pairs added.</summary>
    public long Count { get; private set; }

    /// <summary>Adds a pair.</summary>
    public void Add(SimilarPair pair)
    {
        Count++;
        _pairs.Add(pair);
        if (_pairs.Count == _most)
        {
            Reduce();
        }
    }

    /// <summary>The forest: at most M - 1 pairs, the most similar first.</summary>
    public IReadOnlyList<SimilarPair> Forest()
    {
        Reduce();
        return [.. _pairs];
    }

    private void Reduce()
    {
        _pairs.Sort((a, b) => (-a.Similarity, a.First, a.Second).CompareTo((-b.Similarity, b.First, b.Second)));
        var sets = new DisjointSets(count);
        _pairs.RemoveAll(pair => !sets.Join(pair.First, pair.Second));
    }
}
