using MoCoSharp.Optimization;

namespace MoCoSharp.Detection.Transfer;

/// <summary>The options of a detection's optimizer: stochastic gradient descent with momentum.</summary>
public sealed record DetectionOptimizerOptions
{
    /// <summary>The learning rate after the warm-up, above 0; 0.02 for batches of 16 images.</summary>
    public double LearningRate { get; init; } = 0.02;

    /// <summary>The momentum, 0 to below 1.</summary>
    public double Momentum { get; init; } = 0.9;

    /// <summary>The weight decay, 0 or more. The parameters of BatchNorm have none.</summary>
    public double WeightDecay { get; init; } = 1e-4;

    /// <summary>Shares of the steps after which the learning rate falls to a tenth, above 0, at most 1.</summary>
    /// <remarks>In the protocol, after 18000 and 22000 of 24000 steps.</remarks>
    public IReadOnlyList<double> Milestones { get; init; } = [0.75, 11.0 / 12];

    /// <summary>Steps of the linear warm-up; 0 is none.</summary>
    public int WarmupSteps { get; init; } = 100;

    /// <summary>The share of the learning rate that the warm-up begins with, 0 to 1.</summary>
    public double WarmupFactor { get; init; } = 1e-3;

    /// <summary>Every fault of these options, with the option's name.</summary>
    public IEnumerable<string> Validate()
    {
        if (!(LearningRate > 0) || double.IsInfinity(LearningRate))
        {
            yield return $"optimizer.learningRate is {LearningRate}, expected a number above 0. " +
                "The protocol uses 0.02 for a batch of 16.";
        }

        if (!(Momentum is >= 0 and < 1) || !(WeightDecay >= 0) || double.IsInfinity(WeightDecay))
        {
            yield return $"optimizer.momentum is {Momentum} and weightDecay {WeightDecay}, " +
                "expected 0 to below 1, and 0 or more. The protocol uses 0.9 and 0.0001.";
        }

        if (Milestones.Any(share => share is not (> 0 and <= 1)))
        {
            yield return "optimizer.milestones: expected shares of the steps, above 0 and at most 1. " +
                "The protocol uses 0.75 and 0.91667.";
        }

        if (WarmupSteps < 0 || WarmupFactor is not (>= 0 and <= 1))
        {
            yield return $"optimizer.warmupSteps is {WarmupSteps} and warmupFactor {WarmupFactor}, " +
                "expected 0 or more, and 0 to 1. The protocol uses 100 and 0.001.";
        }
    }

    /// <summary>The learning rate of a step.</summary>
    /// <param name="step">Steps done before this one.</param>
    /// <param name="steps">Steps of the whole run.</param>
    public double LearningRateAt(long step, int steps)
    {
        var rate = Schedules.Step(LearningRate, 0.1, Milestones.Select(share => Math.Round(share * steps)), step);
        var progress = WarmupSteps == 0 ? 1 : Math.Min(1, step / (double)WarmupSteps);
        return Schedules.WarmUpFrom(rate, WarmupFactor, progress);
    }
}
