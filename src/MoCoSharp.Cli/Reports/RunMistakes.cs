using MoCoSharp.Data.Datasets;
using MoCoSharp.Features;
using MoCoSharp.Report.RunReports;

namespace MoCoSharp.Cli.Reports;

/// <summary>Finds the images of a report whose neighbors vote most confidently for a wrong class.</summary>
internal static class RunMistakes
{
    private const int Neighbors = 6; // all of them are shown
    private const int Most = 12; // mistakes

    /// <summary>The mistakes; null if there are none.</summary>
    /// <param name="votes">Of all labeled images.</param>
    /// <param name="features">The features that voted.</param>
    /// <param name="images">The images of the features.</param>
    /// <param name="pictures">Receives the images.</param>
    public static MistakeList? Choose(
        IReadOnlyList<NeighborVote> votes, FeatureSet features, IImageDataset images, ShownPictures pictures)
    {
        List<NeighborVote> worst =
        [
            .. votes
                .Where(vote => !vote.IsRight)
                .OrderByDescending(vote => vote.Confidence)
                .ThenByDescending(vote => vote.Voters[0].Similarity)
                .Take(Most),
        ];
        return worst.Count == 0 ? null : new MistakeList(
            votes[0].Voters.Count, votes.Count(vote => vote.IsRight), votes.Count,
            [
                .. worst.Select(vote => new Mistake(
                    Place(vote.Row), images.ClassNames[vote.Predicted], vote.Confidence,
                    [.. vote.Voters.Select(voter => Place(voter.Row))])),
            ]);

        int Place(int row) => pictures.Place(features.Indices[row]);
    }

    /// <summary>Classifies each labeled image by its neighbors among the others.</summary>
    /// <param name="features">L2-normalized. Shape [M, D].</param>
    /// <param name="progress">Receives the number of images done, and of all.</param>
    /// <param name="stop">Ends the work early.</param>
    public static IReadOnlyList<NeighborVote> Vote(
        FeatureSet features, Action<int, int> progress, CancellationToken stop) => NeighborVote.Of(
        features, Neighbors,
        progress: share => progress((int)(share * features.Labels.Length), features.Labels.Length),
        cancellation: stop);
}
