using MoCoSharp.Features;

namespace MoCoSharp.Evaluation;

/// <summary>The result of a training on labels.</summary>
/// <param name="Epochs">The scores of every epoch; at least one.</param>
/// <param name="Scores">The scores of the last epoch.</param>
internal sealed record ClassificationResult(IReadOnlyList<EpochScores> Epochs, ClassificationScores Scores)
{
    /// <summary>The last epoch. It is not chosen by its score on the test images.</summary>
    public EpochScores Last => Epochs[^1];

    /// <summary>
    /// The epoch with the highest top-1; the first if several are equal. The official script reports it, although the
    /// test images choose it.
    /// </summary>
    public EpochScores Best => Epochs.MaxBy(epoch => epoch.Top1);
}
