using System.Globalization;
using MoCoSharp.Runs;

namespace MoCoSharp.Training;

/// <summary>Chooses the epochs of a run that end within its time budget, and explains the choice.</summary>
internal static class TimeBudget
{
    /// <summary>The plan with the chosen epochs and without a budget; null if no epoch fits.</summary>
    /// <param name="plan">Its configuration has a budget.</param>
    /// <param name="cost">What the run costs, the same on every rank.</param>
    /// <param name="faults">Receives a sentence if no epoch fits.</param>
    public static PretrainPlan? Choose(PretrainPlan plan, RunCost cost, ICollection<string> faults)
    {
        var config = plan.Config;
        var minutes = config.Minutes!.Value;
        var epochs = cost.Epochs(minutes, plan.StepsPerEpoch, config, plan.MostEpochs);
        if (epochs < 1)
        {
            var needed = Math.Ceiling(10 * cost.Minutes(1, plan.StepsPerEpoch, config)) / 10;
            faults.Add(
                string.Create(
                    CultureInfo.InvariantCulture,
                    $"minutes is {minutes}, but one epoch of {Steps(plan)} needs {needed}: " +
                    $"{Parts(cost)}. Take minutes {needed} or more, smaller views, or a narrower encoder."));
            return null;
        }

        var (fitted, warmup) = FitWarmup(plan, config, epochs);
        var taken = (cost.Start + cost.Seconds(epochs, plan.StepsPerEpoch, config)) / 60;
        return plan.With(fitted with { Epochs = epochs, Minutes = null }, string.Create(
            CultureInfo.InvariantCulture,
            $"{Count(epochs, "epoch")} of {Steps(plan)} {(epochs == 1 ? "takes" : "take")} about " +
            $"{taken:F1} of {minutes} minutes: " +
            $"{Parts(cost)}{warmup}"));
    }

    // A warm-up longer than the run would never let the rate fall.
    private static (RunConfig Config, string Words) FitWarmup(PretrainPlan plan, RunConfig config, int epochs)
    {
        var most = Math.Max(1, epochs * plan.StepsPerEpoch / 10);
        return plan.KeepsWarmup || config.Optimizer.WarmupSteps <= most
            ? (config, "")
            : (
                config with { Optimizer = config.Optimizer with { WarmupSteps = most } },
                $"; optimizer.warmupSteps is {most}, a tenth of the steps");
    }

    private static string Steps(PretrainPlan plan) => Count(plan.StepsPerEpoch, "step");

    private static string Count(int number, string noun) => $"{number} {noun}{(number == 1 ? "" : "s")}";

    private static string Parts(RunCost cost) => string.Create(
        CultureInfo.InvariantCulture,
        $"{cost.Step:G3} s a step with its views, " +
        $"{(cost.Evaluation > 0 ? $"{cost.Evaluation:G2} s an evaluation, " : "")}" +
        $"{cost.Start:F0} s before the first step");
}
