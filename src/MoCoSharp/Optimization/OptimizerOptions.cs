namespace MoCoSharp.Optimization;

/// <summary>The optimizer and the course of its learning rate.</summary>
public sealed record OptimizerOptions
{
    /// <summary>"sgd", as MoCo, or "lars", as SimCLR with large batches (see <see cref="Lars"/>).</summary>
    public string Kind { get; init; } = "sgd";

    /// <summary>At the start, for the whole (global) batch unless <see cref="Rule"/> says otherwise; MoCo's official scale is 0.03 x batchSize / 256.</summary>
    public double LearningRate { get; init; } = 0.03;

    /// <summary>How the batch scales <see cref="LearningRate"/>: "none" takes it as it is, "linear" times batchSize / 256, "sqrt" times the root of batchSize.</summary>
    /// <remarks>Chen et al. 2020, <see href="https://arxiv.org/abs/2002.05709"/>: 0.3 with "linear", 0.075 with "sqrt", which does better for small batches.</remarks>
    public string Rule { get; init; } = "none";

    /// <summary>Of the velocities, 0 to below 1.</summary>
    public double Momentum { get; init; } = 0.9;

    /// <summary>Of SGD on every learned parameter, normalisation and bias too, as official; of LARS on weights alone. 0 or more; SimCLR uses 1e-6.</summary>
    public double WeightDecay { get; init; } = 1e-4;

    /// <summary>η of LARS, above 0.</summary>
    public double TrustCoefficient { get; init; } = 0.001;

    /// <summary>Of LARS: "norm-of-sum" (as SimCLR's code) or "sum-of-norms" (as the paper on LARS).</summary>
    public string TrustRatio { get; init; } = Lars.NormOfSum;

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

    /// <summary>And epochs over which it rises, added to <see cref="WarmupSteps"/>; 10 in SimCLR.</summary>
    public double WarmupEpochs { get; init; }

    /// <summary>Everything wrong with these options, each with the option's name.</summary>
    public IEnumerable<string> Faults()
    {
        if (Kind is not ("sgd" or "lars"))
        {
            yield return $"optimizer.kind is \"{Kind}\", expected sgd or lars.";
        }

        if (Rule is not ("none" or "linear" or "sqrt"))
        {
            yield return $"optimizer.rule is \"{Rule}\", expected none, linear (x batchSize / 256) or sqrt (x the root of batchSize).";
        }

        if (!(TrustCoefficient > 0) || double.IsInfinity(TrustCoefficient))
        {
            yield return $"optimizer.trustCoefficient is {TrustCoefficient}, expected a number above 0. SimCLR uses 0.001.";
        }

        if (TrustRatio is not (Lars.NormOfSum or Lars.SumOfNorms))
        {
            yield return $"optimizer.trustRatio is \"{TrustRatio}\", expected {Lars.NormOfSum} or {Lars.SumOfNorms}.";
        }

        if (!(WarmupEpochs >= 0) || double.IsInfinity(WarmupEpochs))
        {
            yield return $"optimizer.warmupEpochs is {WarmupEpochs}, expected 0 or more. SimCLR uses 10.";
        }

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
    /// <summary>The highest rate of a run: <see cref="OptimizerOptions.LearningRate"/> by the rule for its batch.</summary>
    /// <param name="options">Rate and rule.</param>
    /// <param name="batchSize">N, of all processes together: no rate depends on their number.</param>
    public static double Peak(OptimizerOptions options, int batchSize)
    {
        ArgumentNullException.ThrowIfNull(options);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(batchSize);
        return options.Rule switch
        {
            "linear" => options.LearningRate * batchSize / 256,
            "sqrt" => options.LearningRate * Math.Sqrt(batchSize),
            _ => options.LearningRate,
        };
    }

    /// <summary>The rate of one step, where <see cref="OptimizerOptions.LearningRate"/> is the highest.</summary>
    /// <param name="options">The schedule.</param>
    /// <param name="step">Steps done before this one.</param>
    /// <param name="stepsPerEpoch">Above 0.</param>
    /// <param name="epochs">E, epochs in all.</param>
    public static double At(OptimizerOptions options, long step, long stepsPerEpoch, int epochs)
    {
        ArgumentNullException.ThrowIfNull(options);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(stepsPerEpoch);
        var warmup = options.WarmupSteps + (long)Math.Round(options.WarmupEpochs * stepsPerEpoch);
        if (step < warmup)
        {
            return options.LearningRate * (step + 1) / warmup;
        }

        // What has passed, and what there is in all, in epochs.
        var (passed, total) = options.Per == "step"
            ? ((step - warmup) / (double)stepsPerEpoch, epochs - (warmup / (double)stepsPerEpoch))
            : (options.FirstEpoch + (step / stepsPerEpoch), epochs);
        return options.Schedule switch
        {
            "cosine" => options.LearningRate * 0.5 * (1 + Math.Cos(Math.PI * passed / total)),
            "steps" => options.LearningRate * Math.Pow(0.1, options.Milestones.Count(milestone => step / stepsPerEpoch >= milestone)),
            _ => options.LearningRate,
        };
    }
}
