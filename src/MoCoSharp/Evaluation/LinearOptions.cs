using MoCoSharp.Optimization;

namespace MoCoSharp.Evaluation;

/// <summary>
/// Options for training a linear classifier on frozen features. The defaults are MoCo's official protocol.
/// </summary>
/// <remarks>main_lincls.py of the official code: lr 30, no weight decay, x0.1 at epochs 60 and 80 of 100.</remarks>
public sealed record LinearOptions
{
    /// <summary>The number of epochs, above 0.</summary>
    public int Epochs { get; init; } = 100;

    /// <summary>Images per step, above 0. A smaller last batch of an epoch is used.</summary>
    public int BatchSize { get; init; } = 256;

    /// <summary>The initial learning rate, above 0.</summary>
    public double LearningRate { get; init; } = 30;

    /// <summary>The momentum of SGD, 0 or more and below 1.</summary>
    public double Momentum { get; init; } = 0.9;

    /// <summary>The weight decay of SGD, 0 or more.</summary>
    public double WeightDecay { get; init; }

    /// <summary>The epochs at which the learning rate is multiplied by 0.1.</summary>
    public int[] Milestones { get; init; } = [60, 80];

    /// <summary>The seed of the classifier's weights, the order and the views.</summary>
    public long Seed { get; init; }

    /// <summary>The learning rate of an epoch, counted from 0.</summary>
    public double LearningRateAt(int epoch) =>
        Schedules.Step(LearningRate, 0.1, Milestones.Select(milestone => (double)milestone), epoch);

    /// <summary>The same options for another number of epochs: milestones at 60 % and 80 %.</summary>
    public LinearOptions Over(int epochs) =>
        epochs == Epochs ? this : this with { Epochs = epochs, Milestones = [epochs * 60 / 100, epochs * 80 / 100] };

    /// <summary>Lists all faults of these options, each with the option's name.</summary>
    public IEnumerable<string> Validate()
    {
        if (Epochs < 1)
        {
            yield return $"epochs is {Epochs}, expected a number above 0. The official protocol has 100.";
        }

        if (BatchSize < 1)
        {
            yield return $"batch size is {BatchSize}, expected a number above 0. The official protocol has 256.";
        }

        if (!(LearningRate > 0) || double.IsInfinity(LearningRate))
        {
            yield return FormattableString.Invariant(
                $"learning rate is {LearningRate}, expected a number above 0. The official protocol has 30.");
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
