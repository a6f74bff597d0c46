using MoCoSharp.Optimization;

namespace MoCoSharp.Evaluation;

/// <summary>
/// Options for fine-tuning a whole encoder on labels. The defaults are SwAV's published values for 10 % of ImageNet's
/// labels.
/// </summary>
/// <remarks>
/// Caron et al. 2020, <see href="https://arxiv.org/abs/2006.09882"/>, and their eval_semisup.py. With 1 % of the labels
/// they use learning rates of 0.02 and 5.
/// </remarks>
public sealed record FineTuningOptions
{
    /// <summary>The share of the labels used in each class, above 0 and at most 1.</summary>
    public double LabelShare { get; init; } = 1;

    /// <summary>
    /// A file that lists the images whose labels are used, one name a line: a path below the folder, or a file name.
    /// </summary>
    /// <value>Null uses <see cref="LabelShare"/>.</value>
    public string? LabelList { get; init; }

    /// <summary>Whether to start from random weights of the same architecture, for comparison.</summary>
    public bool FromScratch { get; init; }

    /// <summary>The number of epochs, above 0.</summary>
    public int Epochs { get; init; } = 20;

    /// <summary>
    /// Images per step, 2 or more. A smaller last batch of an epoch is used, unless it is a single image.
    /// </summary>
    public int BatchSize { get; init; } = 256;

    /// <summary>The initial learning rate of the encoder below the classifier, 0 or more.</summary>
    public double EncoderLearningRate { get; init; } = 0.01;

    /// <summary>The initial learning rate of the classifier, above 0.</summary>
    public double HeadLearningRate { get; init; } = 0.2;

    /// <summary>The momentum of SGD, 0 or more and below 1.</summary>
    public double Momentum { get; init; } = 0.9;

    /// <summary>The weight decay of SGD, 0 or more.</summary>
    public double WeightDecay { get; init; }

    /// <summary>The epochs at which both learning rates are multiplied by <see cref="Decay"/>.</summary>
    public int[] Milestones { get; init; } = [12, 16];

    /// <summary>The factor at each milestone, above 0 and at most 1.</summary>
    public double Decay { get; init; } = 0.2;

    /// <summary>
    /// The seed of the label share, the classifier's weights, the order, the views, and the weights from scratch.
    /// </summary>
    public long Seed { get; init; }

    /// <summary>The same options for another number of epochs: milestones at 60 % and 80 %.</summary>
    public FineTuningOptions Over(int epochs) =>
        epochs == Epochs ? this : this with { Epochs = epochs, Milestones = [epochs * 60 / 100, epochs * 80 / 100] };

    /// <summary>The learning rates of encoder and classifier in an epoch, counted from 0.</summary>
    public (double Encoder, double Head) LearningRatesAt(int epoch) =>
        (At(EncoderLearningRate, epoch), At(HeadLearningRate, epoch));

    private double At(double rate, int epoch) =>
        Schedules.Step(rate, Decay, Milestones.Select(milestone => (double)milestone), epoch);

    /// <summary>Lists all faults of these options, each with the option's name.</summary>
    public IEnumerable<string> Validate()
    {
        if (!(LabelShare is > 0 and <= 1))
        {
            yield return FormattableString.Invariant($"label share is {LabelShare}, expected above 0 and at most 1.");
        }

        if (Epochs < 1)
        {
            yield return $"epochs is {Epochs}, expected a number above 0.";
        }

        if (BatchSize < 2)
        {
            yield return $"batch size is {BatchSize}, expected 2 or more: BatchNorm needs at least two images.";
        }

        if (!(EncoderLearningRate >= 0) || double.IsInfinity(EncoderLearningRate))
        {
            yield return FormattableString.Invariant(
                $"encoder learning rate is {EncoderLearningRate}, expected 0 or more.");
        }

        if (!(HeadLearningRate > 0) || double.IsInfinity(HeadLearningRate))
        {
            yield return FormattableString.Invariant(
                $"head learning rate is {HeadLearningRate}, expected a number above 0.");
        }

        if (!(Momentum is >= 0 and < 1))
        {
            yield return FormattableString.Invariant($"momentum is {Momentum}, expected 0 to below 1.");
        }

        if (!(WeightDecay >= 0) || double.IsInfinity(WeightDecay))
        {
            yield return FormattableString.Invariant($"weight decay is {WeightDecay}, expected 0 or more.");
        }
    }
}
