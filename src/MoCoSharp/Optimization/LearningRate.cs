namespace MoCoSharp.Optimization;

/// <summary>The learning rate of pre-training, as a pure function of the step.</summary>
internal static class LearningRate
{
    private const double StepFactor = 0.1;

    /// <summary>
    /// The highest rate of a run: <see cref="OptimizerOptions.LearningRate"/>, scaled by the batch size.
    /// </summary>
    /// <param name="options">Rate and scaling.</param>
    /// <param name="batchSize">N over all processes; the rate does not depend on their number.</param>
    public static double Peak(OptimizerOptions options, int batchSize)
    {
        ArgumentNullException.ThrowIfNull(options);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(batchSize);
        return options.LearningRateScaling switch
        {
            LearningRateScaling.Linear => options.LearningRate * batchSize / 256,
            LearningRateScaling.Sqrt => options.LearningRate * Math.Sqrt(batchSize),
            _ => options.LearningRate,
        };
    }

    /// <summary>The rate of one step; <see cref="OptimizerOptions.LearningRate"/> is the highest rate.</summary>
    /// <param name="options">The schedule.</param>
    /// <param name="step">Steps done before this one.</param>
    /// <param name="stepsPerEpoch">Above 0.</param>
    /// <param name="epochs">E, the total number of epochs.</param>
    public static double At(OptimizerOptions options, long step, long stepsPerEpoch, int epochs)
    {
        ArgumentNullException.ThrowIfNull(options);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(stepsPerEpoch);
        var (peak, epoch) = (options.LearningRate, step / stepsPerEpoch);
        var warmup = options.WarmupSteps + (long)Math.Round(options.WarmupEpochs * stepsPerEpoch);
        if (step < warmup)
        {
            return Schedules.WarmUp(peak, step, warmup);
        }

        // Time and duration of the cosine, in epochs. With steps as the unit, the cosine begins after the warm-up.
        var (time, duration) = options.ScheduleUnit == ScheduleUnit.Step
            ? ((step - warmup) / (double)stepsPerEpoch, epochs - (warmup / (double)stepsPerEpoch))
            : (options.CosineOffset + epoch, epochs);
        return options.Schedule switch
        {
            LearningRateSchedule.Cosine => Schedules.Cosine(peak, time, duration),
            LearningRateSchedule.Steps => Schedules.Step(
                peak,
                StepFactor,
                options.Milestones.Select(milestone => (double)milestone),
                epoch),
            _ => peak,
        };
    }
}
