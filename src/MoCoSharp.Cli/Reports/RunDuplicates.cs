using MoCoSharp.Cli.Commands;
using MoCoSharp.Cli.Quality;
using MoCoSharp.Data.Quality;
using MoCoSharp.Features;
using MoCoSharp.Report.RunReports;
using static System.FormattableString;

namespace MoCoSharp.Cli.Reports;

/// <summary>Finds images of a report that are almost the same to the encoder.</summary>
internal static class RunDuplicates
{
    private const int MostPairs = 12;
    private const double Threshold = DuplicatesCommand.DefaultThreshold;

    /// <summary>The closest pairs; null if no pair reaches the threshold.</summary>
    /// <param name="features">Of any length. Shape [M, D].</param>
    /// <param name="images">Number of images in the data set.</param>
    /// <param name="command">The command that compares the whole folder.</param>
    /// <param name="pictures">Receives the images.</param>
    /// <param name="progress">Receives the number of images done, and of all.</param>
    /// <param name="stop">Ends the work early.</param>
    public static ClosePairs? Find(
        FeatureSet features, int images, string command, ShownPictures pictures, Action<int, int> progress,
        CancellationToken stop)
    {
        using var search = new NearDuplicates(features);
        var pairs = search.Within(Threshold, progress, stop);
        return pairs.Count == 0 ? null : new ClosePairs(
            [
                $"{Plain.Count(pairs.Count, "pair")} among {Plain.Count(features.Indices.Length, "image")} " +
                    Invariant($"{(pairs.Count == 1 ? "has" : "have")} a cosine of at least {Threshold:0.0#}. ") +
                    (pairs.Count == 1 ? "Here it is." : "These are the closest."),
                .. Advice(pairs, images),
                WholeFolder(command),
            ],
            [
                .. pairs.Strongest.Take(MostPairs).Select(pair => new ClosePair(
                    pictures.Place(pair.First), pictures.Place(pair.Second), pair.Similarity)),
            ]);
    }

    /// <summary>The sentence for a report without pairs.</summary>
    /// <param name="images">Number of images that were compared.</param>
    /// <param name="command">The command that compares the whole folder.</param>
    public static string None(int images, string command) =>
        Invariant($"no pair among {Plain.Count(images, "image")} has a cosine of at least {Threshold:0.0#}. ")
        + WholeFolder(command);

    private static string WholeFolder(string command) =>
        $"`{command}` compares all of them, and finds files that are exactly the same.";

    // Copies come in small groups. A chain of many similar images says little about copies.
    private static IEnumerable<string> Advice(SimilarPairs pairs, int images)
    {
        var largest = DuplicateGroup.LargestOf(images);
        if (DuplicateGroup.OutgrownAt(images, pairs.Strongest, largest) is { } similarity)
        {
            yield return
                $"Chains of similar images connect more than {largest} of them at a cosine of " +
                Invariant($"{Math.Floor(similarity * 1000) / 1000:0.000}: most of these pairs are hardly copies.");
        }
    }
}
