namespace MoCoSharp.Evaluation;

/// <summary>The scores after an epoch of a training on labels.</summary>
/// <param name="Epoch">The number of the epoch, from 1.</param>
/// <param name="LearningRate">The learning rate of the epoch; in fine-tuning, that of the classifier.</param>
/// <param name="Loss">The mean loss over the images of the epoch.</param>
/// <param name="Top1">The share of test images whose class has the highest score, 0 to 1.</param>
/// <param name="Top5">The share of test images whose class is among the five highest scores, 0 to 1.</param>
public readonly record struct EpochScores(int Epoch, double LearningRate, double Loss, double Top1, double Top5);
