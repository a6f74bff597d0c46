using MoCoSharp.Runs;

namespace MoCoSharp.Training;

/// <summary>The times of a training step.</summary>
/// <param name="Phases">
/// Median milliseconds of each phase, in MoCo's order; views and the copy come before the step.
/// </param>
/// <param name="StepMilliseconds">
/// The step, from momentum update to optimizer: the median of the phases' sums on a CPU; on a GPU the mean of steps
/// between which nobody waits, as in training.
/// </param>
/// <param name="Operations">
/// Operations of convolutions and linear layers. MoCo counts three forward passes of the query encoder (backward counts
/// twice), and one of the key encoder.
/// </param>
/// <param name="GemmRate">
/// Operations per second of torch.mm, 4096 x 4096 x 4096, in the same precision and with the same threads.
/// </param>
/// <param name="PeakBytes">Highest resident memory of the process so far, or memory in use on the GPU.</param>
public sealed record StepTimes(
    IReadOnlyList<(string Name, double Milliseconds)> Phases, double StepMilliseconds, double Operations,
    double GemmRate, long PeakBytes)
{
    /// <summary>Operations per second of the step.</summary>
    public double Rate => Operations / StepMilliseconds * 1000;

    /// <summary>Times the phases of a step on generated images. Nothing is saved.</summary>
    /// <param name="config">A configuration without open choices, from <see cref="PretrainPlan.Resolve"/>.</param>
    /// <param name="steps">Steps for the median, above 0; four more for warm-up.</param>
    /// <param name="progress">Called after each step with the steps done and the total.</param>
    public static StepTimes Measure(RunConfig config, int steps, Action<int, int>? progress = null) =>
        StepBench.Run(config, steps, progress ?? ((_, _) => { }));
}
