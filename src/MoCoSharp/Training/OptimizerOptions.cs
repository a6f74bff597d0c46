namespace MoCoSharp.Training;

/// <summary>SGD and the course of its learning rate.</summary>
public sealed record OptimizerOptions
{
    /// <summary>At the start, for the whole (global) batch; the official scale is 0.03 x batchSize / 256.</summary>
    public double LearningRate { get; init; } = 0.03;

    /// <summary>Of SGD, 0 to 1.</summary>
    public double Momentum { get; init; } = 0.9;

    /// <summary>On every learned parameter, normalisation and bias too, as official; 0 or more.</summary>
    public double WeightDecay { get; init; } = 1e-4;

    /// <summary>"cosine", "steps" (at <see cref="Milestones"/>) or "constant".</summary>
    public string Schedule { get; init; } = "cosine";

    /// <summary>When the schedule moves: "epoch", as official, or "step".</summary>
    public string Per { get; init; } = "epoch";

    /// <summary>Epochs at which "steps" multiplies the rate by 0.1; 120 and 160 in MoCo v1.</summary>
    public int[] Milestones { get; init; } = [120, 160];

    /// <summary>What the cosine counts the first epoch as: 0, as official, or 1, as the CIFAR demo, whose last epoch has rate 0.</summary>
    public int FirstEpoch { get; init; }

    /// <summary>Steps over which the rate rises linearly at the start; 0 as official.</summary>
    public int WarmupSteps { get; init; }

    /// <summary>Everything wrong with these options, each with the option's name.</summary>
    public IEnumerable<string> Faults()
    {
        if (!(LearningRate > 0) || double.IsInfinity(LearningRate))
        {
            yield return $"optimizer.learningRate is {LearningRate}, expected a number above 0. MoCo uses 0.03 x batchSize / 256.";
        }

        if (!(Momentum is >= 0 and < 1))
        {
            yield return $"optimizer.momentum is {Momentum}, expected 0 to below 1. MoCo uses 0.9.";
        }

        if (!(WeightDecay >= 0) || double.IsInfinity(WeightDecay))
        {
            yield return $"optimizer.weightDecay is {WeightDecay}, expected 0 or more. MoCo uses 0.0001.";
        }

        if (Schedule is not ("cosine" or "steps" or "constant"))
        {
            yield return $"optimizer.schedule is \"{Schedule}\", expected cosine, steps or constant.";
        }

        if (Per is not ("epoch" or "step"))
        {
            yield return $"optimizer.per is \"{Per}\", expected epoch (as official) or step.";
        }

        if (FirstEpoch is not (0 or 1))
        {
            yield return $"optimizer.firstEpoch is {FirstEpoch}, expected 0 (as official) or 1 (as the CIFAR demo).";
        }

        if (WarmupSteps < 0)
        {
            yield return $"optimizer.warmupSteps is {WarmupSteps}, expected 0 or more.";
        }
    }
}

/// <summary>The learning rate as a pure function of where a run stands.</summary>
public static class LearningRate
{
    /// <summary>The rate of one step.</summary>
    /// <param name="options">The schedule.</param>
    /// <param name="step">Steps done before this one.</param>
    /// <param name="stepsPerEpoch">Above 0.</param>
    /// <param name="epochs">E, epochs in all.</param>
    public static double At(OptimizerOptions options, long step, long stepsPerEpoch, int epochs)
    {
        ArgumentNullException.ThrowIfNull(options);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(stepsPerEpoch);
        if (step < options.WarmupSteps)
        {
            return options.LearningRate * (step + 1) / options.WarmupSteps;
        }

        // What has passed, and what there is in all, in epochs.
        var (passed, total) = options.Per == "step"
            ? ((step - options.WarmupSteps) / (double)stepsPerEpoch, epochs - (options.WarmupSteps / (double)stepsPerEpoch))
            : (options.FirstEpoch + (step / stepsPerEpoch), epochs);
        return options.Schedule switch
        {
            "cosine" => options.LearningRate * 0.5 * (1 + Math.Cos(Math.PI * passed / total)),
            "steps" => options.LearningRate * Math.Pow(0.1, options.Milestones.Count(milestone => step / stepsPerEpoch >= milestone)),
            _ => options.LearningRate,
        };
    }
}
