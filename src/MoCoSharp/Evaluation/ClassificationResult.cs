using MoCoSharp.Features;

namespace MoCoSharp.Evaluation;

/// <summary>Where a training on labels stands after an epoch.</summary>
/// <param name="Epoch">From 1.</param>
/// <param name="LearningRate">Of the epoch; of the head, where the encoder has its own.</param>
/// <param name="Loss">Mean over the epoch's images.</param>
/// <param name="Top1">Of the images to judge by, 0 to 1.</param>
/// <param name="Top5">The same.</param>
public readonly record struct EpochScores(int Epoch, double LearningRate, double Loss, double Top1, double Top5);

/// <summary>What a training on labels led to.</summary>
/// <param name="Epochs">Every epoch's numbers; at least one.</param>
/// <param name="Scores">Of the last epoch.</param>
public sealed record ClassificationResult(IReadOnlyList<EpochScores> Epochs, ClassificationScores Scores)
{
    /// <summary>The last epoch's numbers: nothing was chosen by looking at the images to judge by.</summary>
    public EpochScores Last => Epochs[^1];

    /// <summary>
    /// The best epoch's numbers, the first of equals: what the official script keeps, chosen by the very images that
    /// judge.
    /// </summary>
    public EpochScores Best => Epochs.MaxBy(epoch => epoch.Top1);
}
