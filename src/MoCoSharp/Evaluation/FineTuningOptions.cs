using MoCoSharp.Optimization;

namespace MoCoSharp.Evaluation;

/// <summary>
/// How a whole encoder is trained on labels; the defaults are those that SwAV's authors published for 10 % of
/// ImageNet's labels.
/// </summary>
/// <remarks>
/// Caron et al. 2020, <see href="https://arxiv.org/abs/2006.09882"/>, and their eval_semisup.py; with 1 % they take
/// 0.02 and 5 for the two rates.
/// </remarks>
public sealed record FineTuningOptions
{
    /// <summary>Epochs in all, above 0.</summary>
    public int Epochs { get; init; } = 20;

    /// <summary>
    /// Images a step, above 0; the last, smaller batch of an epoch is kept, unless it is a single image.
    /// </summary>
    public int BatchSize { get; init; } = 256;

    /// <summary>Of everything below the classifier, at the start; 0 or more.</summary>
    public double EncoderLearningRate { get; init; } = 0.01;

    /// <summary>Of the classifier, at the start; above 0.</summary>
    public double HeadLearningRate { get; init; } = 0.2;

    /// <summary>Of SGD, 0 to below 1.</summary>
    public double Momentum { get; init; } = 0.9;

    /// <summary>0 or more.</summary>
    public double WeightDecay { get; init; }

    /// <summary>Epochs at which both rates are multiplied by <see cref="Decay"/>.</summary>
    public int[] Milestones { get; init; } = [12, 16];

    /// <summary>Above 0, at most 1.</summary>
    public double Decay { get; init; } = 0.2;

    /// <summary>
    /// Fixes the classifier's weights, the order and the views; and the encoder's weights, from scratch.
    /// </summary>
    public long Seed { get; init; }

    /// <summary>The same course over fewer or more epochs: milestones at 60 % and 80 %.</summary>
    public FineTuningOptions Over(int epochs) =>
        epochs == Epochs ? this : this with { Epochs = epochs, Milestones = [epochs * 60 / 100, epochs * 80 / 100] };

    /// <summary>The rates of an epoch, from 0: of the encoder and of the classifier.</summary>
    public (double Encoder, double Head) LearningRatesAt(int epoch) =>
        (At(EncoderLearningRate, epoch), At(HeadLearningRate, epoch));

    private double At(double rate, int epoch) =>
        Schedules.Step(rate, Decay, Milestones.Select(milestone => (double)milestone), epoch);

    /// <summary>Everything wrong with these options, each with the option's name.</summary>
    public IEnumerable<string> Faults()
    {
        if (Epochs < 1)
        {
            yield return $"epochs is {Epochs}, expected a number above 0.";
        }

        if (BatchSize < 2)
        {
            yield return $"batch size is {BatchSize}, expected 2 or more: BatchNorm has no statistics of one image.";
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
