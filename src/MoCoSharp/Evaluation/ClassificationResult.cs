using MoCoSharp.Features;

namespace MoCoSharp.Evaluation;

/// <summary>The result of a training on labels.</summary>
/// <param name="Epochs">The scores of every epoch; at least one.</param>
/// <param name="Scores">The scores of the last epoch.</param>
internal sealed record ClassificationResult(IReadOnlyList<EpochScores> Epochs, ClassificationScores Scores)
{
    /// <summary>The last epoch: nothing was chosen on the test images.</summary>
    public EpochScores Last => Epochs[^1];

    /// <summary>
    /// The epoch of the highest top-1, the first of equals. The official script keeps it, though it is chosen by the
    /// test images.
    /// </summary>
    public EpochScores Best => Epochs.MaxBy(epoch => epoch.Top1);
}
