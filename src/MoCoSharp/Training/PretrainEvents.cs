using MoCoSharp.Diagnostics;
using MoCoSharp.Optimization;
using MoCoSharp.Runs;

namespace MoCoSharp.Training;

/// <summary>Where a run stands, every so many steps.</summary>
/// <param name="Step">Steps done.</param>
/// <param name="TotalSteps">Of the whole run.</param>
/// <param name="Epoch">The epoch that the step belongs to, from 1.</param>
/// <param name="Loss">Mean since the last report.</param>
/// <param name="ContrastAccuracy">
/// Of this step's batch, 0 to 1: how many queries have their own key as the nearest.
/// </param>
/// <param name="ContrastAccuracy5">The same, among the nearest five.</param>
/// <param name="LearningRate">Of this step.</param>
/// <param name="ImagesPerSecond">Since the last report.</param>
/// <param name="WaitShare">Share of the time spent waiting for views, 0 to 1.</param>
public readonly record struct StepReport(
    long Step, long TotalSteps, int Epoch, double Loss, double ContrastAccuracy, double ContrastAccuracy5,
    double LearningRate, double ImagesPerSecond, double WaitShare)
{
    /// <summary>How the run is doing; null where the step was not looked at.</summary>
    public HealthFigures? Health { get; init; }

    /// <summary>Share of the time spent on finding that out, 0 to 1.</summary>
    public double HealthShare { get; init; }

    /// <summary>Images that lost their turns since the last report, on all ranks; null where none did.</summary>
    public LeftOut? LeftOut { get; init; }

    /// <summary>
    /// Share of the time that rank 0 waited for messages and for other processes, 0 to 1; null for a process alone.
    /// </summary>
    public double? CommunicationShare { get; init; }

    /// <summary>The report in a line: "step 20 of 3140: loss 4.123, contrast accuracy 12.5 %, 1700 images/s".</summary>
    public override string ToString() => FormattableString.Invariant(
        $"step {Step} of {TotalSteps}: loss {Loss:F3}, contrast accuracy {100 * ContrastAccuracy:F1} %, {ImagesPerSecond:F0} images/s"
    );
}

/// <summary>What the kNN monitor found.</summary>
/// <param name="Step">Steps done; 0 is the untrained encoder.</param>
/// <param name="Epoch">Epochs done.</param>
/// <param name="Accuracy">0 to 1.</param>
/// <param name="Protocol">How it was measured, in a phrase.</param>
/// <param name="Seconds">What it took.</param>
public readonly record struct KnnReport(long Step, int Epoch, double Accuracy, string Protocol, double Seconds)
{
    /// <summary>Images of bank and queries that could not be read, and took no part.</summary>
    public int LeftOut { get; init; }
}

/// <summary>
/// Hears of a run's progress, on the training thread. Each method does nothing unless it is implemented, but for
/// <see cref="Judged"/>.
/// </summary>
public interface IPretrainObserver : IRunObserver
{
    /// <summary>Time for a line.</summary>
    void Reported(StepReport report)
    {
    }

    /// <summary>The monitor is at work: so many images of so many.</summary>
    void Evaluating(int done, int total)
    {
    }

    /// <summary>The monitor has a number.</summary>
    void Evaluated(KnnReport report)
    {
    }

    /// <summary>Something is wrong with what is being learned; told once for each kind.</summary>
    void Judged(Diagnosis diagnosis)
    {
        ArgumentNullException.ThrowIfNull(diagnosis);
        Warned(diagnosis.ToString());
    }
}
