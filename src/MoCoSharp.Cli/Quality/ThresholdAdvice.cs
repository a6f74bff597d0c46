using System.Globalization;
using MoCoSharp.Data.Quality;

namespace MoCoSharp.Cli.Quality;

/// <summary>Says when a threshold is too low: chains of similar images connect many images to one group.</summary>
internal static class ThresholdAdvice
{
    /// <summary>
    /// The largest group, and the threshold that breaks it up; null if no group is suspiciously large.
    /// </summary>
    /// <param name="groups">The groups.</param>
    /// <param name="pairs">The pairs from which they were made.</param>
    /// <param name="images">Number of images of the data set.</param>
    public static string? Of(IReadOnlyList<DuplicateGroup> groups, IReadOnlyList<SimilarPair> pairs, int images)
    {
        if (groups.Where(group => group.IsSuspicious(images)).MaxBy(group => group.Others.Count) is not { } largest)
        {
            return null;
        }

        var limit = DuplicateGroup.LargestOf(images);
        var outgrown = DuplicateGroup.OutgrownAt(images, pairs, limit);
        var higher = outgrown is { } at ? (Math.Floor(at * 1000) + 1) / 1000 : 1;
        return $"One group connects {Plain.Count(largest.Others.Count + 1, "image")}, by chains of similar images: " +
            "these are hardly copies. " + (higher < 1
                ? string.Create(
                    CultureInfo.InvariantCulture,
                    $"Raise the threshold: with --threshold {higher:0.0##}, no group has more than {limit} images.")
                : "The encoder cannot tell these images apart. Use another encoder, or exact duplicates alone.");
    }
}
