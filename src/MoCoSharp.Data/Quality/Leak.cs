namespace MoCoSharp.Data.Quality;

/// <summary>An image of one set that repeats an image of another set, such as training and test images.</summary>
/// <param name="Image">The image of the first set.</param>
/// <param name="Other">The image of the second set.</param>
/// <param name="Kind">How they are the same.</param>
/// <param name="Similarity">The cosine of their features, -1 to 1; 1 for the same file or pixels.</param>
public sealed record Leak(ImageFacts Image, ImageFacts Other, DuplicateKind Kind, double Similarity)
{
    /// <summary>
    /// Finds the leaks. Every image with a counterpart in the other set occurs; with many counterparts, the most
    /// similar one counts.
    /// </summary>
    /// <param name="first">The facts of every image of the first set, by index.</param>
    /// <param name="second">The facts of every image of the second set, by index.</param>
    /// <param name="pairs">Pairs of similar images, indices of both sets; null finds exact copies only.</param>
    /// <returns>The surest first.</returns>
    public static IReadOnlyList<Leak> Find(
        IReadOnlyList<ImageFacts> first, IReadOnlyList<ImageFacts> second, IReadOnlyList<SimilarPair>? pairs = null)
    {
        ArgumentNullException.ThrowIfNull(first);
        ArgumentNullException.ThrowIfNull(second);
        return
        [
            .. Equal(first, second, image => image.FileHash)
                .Concat(Equal(first, second, image => image.PixelHash))
                .Concat(pairs ?? [])
                .DistinctBy(pair => (pair.First, pair.Second))
                .Select(pair => Of(first[pair.First], second[pair.Second], pair.Similarity))
                .OrderBy(leak => leak.Kind)
                .ThenByDescending(leak => leak.Similarity)
                .ThenBy(leak => leak.Image.Name, StringComparer.Ordinal)
                .ThenBy(leak => leak.Other.Name, StringComparer.Ordinal),
        ];
    }

    private static Leak Of(ImageFacts image, ImageFacts other, double similarity)
    {
        var compared = Duplicate.Of(image, other, () => similarity);
        return new Leak(image, other, compared.Kind, compared.Similarity);
    }

    // Each image of one set with the first equal image of the other.
    private static IEnumerable<SimilarPair> Equal(
        IReadOnlyList<ImageFacts> first, IReadOnlyList<ImageFacts> second, Func<ImageFacts, UInt128> hash)
    {
        var (ofFirst, ofSecond) = (Firsts(first, hash), Firsts(second, hash));
        foreach (var image in Readable(first, hash).Where(image => ofSecond.ContainsKey(hash(image))))
        {
            yield return new SimilarPair(image.Index, ofSecond[hash(image)], 1);
        }

        foreach (var image in Readable(second, hash).Where(image => ofFirst.ContainsKey(hash(image))))
        {
            yield return new SimilarPair(ofFirst[hash(image)], image.Index, 1);
        }
    }

    private static Dictionary<UInt128, int> Firsts(IReadOnlyList<ImageFacts> images, Func<ImageFacts, UInt128> hash) =>
        Readable(images, hash)
            .GroupBy(hash, image => image.Index)
            .ToDictionary(group => group.Key, group => group.First());

    private static IEnumerable<ImageFacts> Readable(
        IReadOnlyList<ImageFacts> images, Func<ImageFacts, UInt128> hash) =>
        images.Where(image => image.Fault is null && hash(image) != UInt128.Zero);
}
