namespace MoCoSharp.Data.Quality;

/// <summary>Images that are the same, or that a chain of similar images connects.</summary>
/// <param name="Kept">The image to keep: the one with the most pixels, of equal ones the first name.</param>
/// <param name="Others">The others, compared with it; the surest first.</param>
public sealed record DuplicateGroup(ImageFacts Kept, IReadOnlyList<Duplicate> Others)
{
    private const int LargeGroup = 100;
    private const int SmallestLargeGroup = 20;
    private const int LargeShare = 20; // a twentieth of the images

    /// <summary>Whether all images of the group have the same pixels.</summary>
    public bool IsExact => Others.All(other => other.Kind != DuplicateKind.Similar);

    /// <summary>The number of similar images that may be copies; more are probably a chain.</summary>
    /// <param name="images">Number of images of the data set.</param>
    public static int LargestOf(int images) => Math.Clamp(images / LargeShare, SmallestLargeGroup, LargeGroup);

    /// <summary>Whether the group is so large that it is probably a chain of similar images, not copies.</summary>
    /// <param name="images">Number of images of the data set.</param>
    public bool IsSuspicious(int images) =>
        Others.Count(other => other.Kind == DuplicateKind.Similar) >= LargestOf(images);

    /// <summary>Finds the groups: exact ones first, then those with the most similar images.</summary>
    /// <param name="images">The facts of every image of the set, by index. Those with a fault are left out.</param>
    /// <param name="pairs">Pairs of images with similar features; null finds exact duplicates only.</param>
    /// <param name="similarity">The cosine of two images' features, by index. Required with pairs.</param>
    public static IReadOnlyList<DuplicateGroup> Find(
        IReadOnlyList<ImageFacts> images, IReadOnlyList<SimilarPair>? pairs = null,
        Func<int, int, double>? similarity = null)
    {
        ArgumentNullException.ThrowIfNull(images);
        if (pairs is not null)
        {
            ArgumentNullException.ThrowIfNull(similarity);
        }

        var sets = new DisjointSets(images.Count);
        JoinEqual(sets, images, image => image.FileHash);
        JoinEqual(sets, images, image => image.PixelHash);
        foreach (var pair in pairs ?? [])
        {
            sets.Join(pair.First, pair.Second);
        }

        return
        [
            .. images
                .Where(image => image.Fault is null && sets.SizeOf(image.Index) > 1)
                .GroupBy(image => sets.RootOf(image.Index))
                .Where(group => group.Skip(1).Any())
                .Select(group => Of(group, similarity ?? ((_, _) => 1)))
                .OrderByDescending(group => group.IsExact)
                .ThenByDescending(group => group.Others.Max(other => other.Similarity))
                .ThenBy(group => group.Kept.Name, StringComparer.Ordinal),
        ];
    }

    /// <summary>The similarity at which a group of similar images outgrows a size.</summary>
    /// <param name="images">Number of images of the data set.</param>
    /// <param name="pairs">The pairs from which the groups were made.</param>
    /// <param name="largest">The largest size that is wanted.</param>
    /// <returns>A threshold above it has no such group. Null if no group outgrows the size.</returns>
    public static double? OutgrownAt(int images, IReadOnlyList<SimilarPair> pairs, int largest)
    {
        var sets = new DisjointSets(images);
        foreach (var pair in pairs.OrderByDescending(pair => pair.Similarity))
        {
            if (sets.Join(pair.First, pair.Second) && sets.SizeOf(pair.First) > largest)
            {
                return pair.Similarity;
            }
        }

        return null;
    }

    private static void JoinEqual(DisjointSets sets, IReadOnlyList<ImageFacts> images, Func<ImageFacts, UInt128> hash)
    {
        var firsts = new Dictionary<UInt128, int>();
        foreach (var image in images.Where(image => image.Fault is null && hash(image) != UInt128.Zero))
        {
            if (!firsts.TryAdd(hash(image), image.Index))
            {
                sets.Join(firsts[hash(image)], image.Index);
            }
        }
    }

    private static DuplicateGroup Of(IEnumerable<ImageFacts> images, Func<int, int, double> similarity)
    {
        List<ImageFacts> ordered =
        [
            .. images
                .OrderByDescending(image => (long)image.Width * image.Height)
                .ThenBy(image => image.Name, StringComparer.Ordinal)
                .ThenBy(image => image.Index),
        ];
        var kept = ordered[0];
        return new DuplicateGroup(
            kept,
            [
                .. ordered
                    .Skip(1)
                    .Select(image => Duplicate.Of(image, kept, () => similarity(kept.Index, image.Index)))
                    .OrderBy(other => other.Kind)
                    .ThenByDescending(other => other.Similarity)
                    .ThenBy(other => other.Image.Name, StringComparer.Ordinal),
            ]);
    }
}
