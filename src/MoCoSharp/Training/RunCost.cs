using System.Globalization;
using MoCoSharp.Distributed;
using MoCoSharp.Runs;

namespace MoCoSharp.Training;

/// <summary>The seconds that the parts of a run take on this machine.</summary>
/// <param name="Start">From the start of the program to the first step.</param>
/// <param name="Step">A training step with its views, which the loader makes at the same time.</param>
/// <param name="Evaluation">An evaluation by the kNN monitor or the label-free monitor; 0 without one.</param>
/// <param name="Save">A checkpoint.</param>
/// <param name="IsLabeled">Whether the kNN monitor evaluates; otherwise the label-free monitor.</param>
internal readonly record struct RunCost(
    double Start, double Step, double Evaluation, double Save, bool IsLabeled = true)
{
    // The share of a budget for what is not measured: health figures, log files, noise of the machine.
    private const double Reserve = 0.03;

    private const int AtTheEnd = 3; // raw pixels, colors and ranks take about as long as an evaluation each

    /// <summary>Seconds that training and the evaluations of so many epochs take, without the start.</summary>
    /// <param name="epochs">Above 0.</param>
    /// <param name="stepsPerEpoch">Above 0.</param>
    /// <param name="config">Says how often the run evaluates and saves.</param>
    public double Seconds(int epochs, int stepsPerEpoch, RunConfig config)
    {
        var steps = Step * stepsPerEpoch * epochs;
        var saves = Times(epochs, config.Checkpoints.EveryEpochs);
        if (config.Checkpoints.EverySteps > 0)
        {
            saves += (long)stepsPerEpoch * epochs / config.Checkpoints.EverySteps;
        }

        if (config.Checkpoints.EveryMinutes > 0)
        {
            saves += (long)(steps / (60 * config.Checkpoints.EveryMinutes));
        }

        // A monitor also evaluates before the first step.
        var evaluations = IsLabeled
            ? 1 + Times(epochs, Math.Max(1, config.Knn.EveryEpochs)) + AtTheEnd
            : 1 + Times(epochs, WorthMonitor.LabelFreeEvery(config.Knn.EveryEpochs, epochs));
        return steps + (Save * saves) + (Evaluation * evaluations);
    }

    /// <summary>The most epochs that end inside a budget; 0 if not even one does.</summary>
    /// <param name="minutes">The budget, from the start of the program, in minutes.</param>
    /// <param name="stepsPerEpoch">Above 0.</param>
    /// <param name="config">Says how often the run evaluates and saves.</param>
    /// <param name="most">Upper bound, above 0.</param>
    public int Epochs(double minutes, int stepsPerEpoch, RunConfig config, int most = int.MaxValue)
    {
        var left = (60 * minutes * (1 - Reserve)) - Start;
        var (fits, fails) = (0L, Math.Min(most, (long)(left / (Step * stepsPerEpoch))) + 1);
        while (fails - fits > 1)
        {
            var middle = (fits + fails) / 2;
            (fits, fails) = Seconds((int)middle, stepsPerEpoch, config) <= left ? (middle, fails) : (fits, middle);
        }

        return (int)Math.Max(0, fits);
    }

    /// <summary>The smallest budget, in minutes, for so many epochs.</summary>
    /// <param name="epochs">Above 0.</param>
    /// <param name="stepsPerEpoch">Above 0.</param>
    /// <param name="config">Says how often the run evaluates and saves.</param>
    public double Minutes(int epochs, int stepsPerEpoch, RunConfig config) =>
        (Start + Seconds(epochs, stepsPerEpoch, config)) / (60 * (1 - Reserve));

    /// <summary>The costs that rank 0 measured, on every rank.</summary>
    public RunCost OfRankZero(IProcessGroup group)
    {
        double[] numbers =
        [
            .. group.Broadcast(string.Create(CultureInfo.InvariantCulture, $"{Start} {Step} {Evaluation} {Save}"))
                .Split(' ').Select(number => double.Parse(number, CultureInfo.InvariantCulture)),
        ];
        return new(numbers[0], numbers[1], numbers[2], numbers[3], IsLabeled);
    }

    // At every so many epochs, and at the end.
    private static long Times(int epochs, int every) => (epochs / every) + (epochs % every == 0 ? 0 : 1);
}
