namespace MoCoSharp.Optimization;

/// <summary>
/// Learning rates as pure functions of time. Pre-training, linear classification, fine-tuning and detection use them.
/// Time is in the unit of the caller's schedule: epochs or steps.
/// </summary>
/// <remarks>
/// Resumed runs and golden files depend on the last bit of each value, and so on the order of operations here.
/// </remarks>
internal static class Schedules
{
    /// <summary>The rate multiplied by a factor at each milestone, as in PyTorch's MultiStepLR.</summary>
    /// <param name="rate">The rate before the first milestone.</param>
    /// <param name="factor">Above 0, at most 1.</param>
    /// <param name="milestones">Times, in any order.</param>
    /// <param name="time">From 0.</param>
    public static double Step(double rate, double factor, IEnumerable<double> milestones, double time) =>
        rate * Math.Pow(factor, milestones.Count(milestone => time >= milestone));

    /// <summary>Half a cosine from the highest rate down to 0.</summary>
    /// <param name="peak">The rate at time 0.</param>
    /// <param name="time">0 to the duration.</param>
    /// <param name="duration">Above 0.</param>
    /// <remarks>Loshchilov and Hutter 2016, <see href="https://arxiv.org/abs/1608.03983"/>, without restarts.</remarks>
    public static double Cosine(double peak, double time, double duration) =>
        peak * 0.5 * (1 + Math.Cos(Math.PI * time / duration));

    /// <summary>
    /// A linear warm-up by steps: the first step has 1 / steps of the highest rate, the last step the highest rate.
    /// </summary>
    /// <param name="peak">The highest rate.</param>
    /// <param name="step">From 0 to below <paramref name="steps"/>.</param>
    /// <param name="steps">Steps of the warm-up, above 0.</param>
    public static double WarmUp(double peak, long step, long steps) => peak * (step + 1) / steps;

    /// <summary>A linear warm-up from a share of the rate to the full rate, as in detectron2.</summary>
    /// <param name="rate">The rate after the warm-up.</param>
    /// <param name="startFactor">The share at the start, 0 to 1.</param>
    /// <param name="progress">0 at the start, 1 at the end of the warm-up and after it.</param>
    public static double WarmUpFrom(double rate, double startFactor, double progress) =>
        rate * ((startFactor * (1 - progress)) + progress);
}
