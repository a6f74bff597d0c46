using System.Globalization;
using MoCoSharp.Diagnostics;
using MoCoSharp.Optimization;
using MoCoSharp.Runs;

namespace MoCoSharp.Training;

/// <summary>A progress report of a run.</summary>
/// <param name="Step">Steps done.</param>
/// <param name="TotalSteps">Steps of the whole run.</param>
/// <param name="Epoch">The epoch that the step belongs to, from 1.</param>
/// <param name="Loss">Mean loss since the last report.</param>
/// <param name="ContrastAccuracy">Share of queries of this step whose positive key is the nearest, 0 to 1.</param>
/// <param name="ContrastAccuracy5">Share whose positive key is among the nearest five, 0 to 1.</param>
/// <param name="LearningRate">Learning rate of this step.</param>
/// <param name="ImagesPerSecond">Throughput since the last report.</param>
/// <param name="WaitShare">Share of the time spent waiting for views, 0 to 1.</param>
public readonly record struct StepReport(
    long Step, long TotalSteps, int Epoch, double Loss, double ContrastAccuracy, double ContrastAccuracy5,
    double LearningRate, double ImagesPerSecond, double WaitShare)
{
    /// <summary>Health figures; null if they were not computed in this step.</summary>
    public HealthFigures? Health { get; init; }

    /// <summary>Share of the time spent on health figures, 0 to 1.</summary>
    public double HealthShare { get; init; }

    /// <summary>Images that all ranks left out since the last report; null if none.</summary>
    internal LeftOut? LeftOut { get; init; }

    /// <summary>
    /// Share of the time that rank 0 waited for messages and other processes, 0 to 1; null for a single process.
    /// </summary>
    public double? CommunicationShare { get; init; }

    /// <summary>
    /// The report in one line: "step 20 of 3140: loss 4.123, contrast accuracy 12.5 %, 1700 images/s".
    /// </summary>
    public override string ToString() => string.Create(
        CultureInfo.InvariantCulture,
        $"step {Step} of {TotalSteps}: loss {Loss:F3}, contrast accuracy {100 * ContrastAccuracy:F1} %, " +
        $"{ImagesPerSecond:F0} images/s");
}

/// <summary>A result of the kNN monitor.</summary>
/// <param name="Step">Steps done; 0 is the untrained encoder.</param>
/// <param name="Epoch">Epochs done.</param>
/// <param name="Accuracy">Top-1 accuracy, 0 to 1.</param>
/// <param name="Protocol">A short description of the protocol.</param>
/// <param name="Seconds">Duration in seconds.</param>
public readonly record struct KnnReport(long Step, int Epoch, double Accuracy, string Protocol, double Seconds)
{
    /// <summary>Images of bank and queries that could not be read and were left out.</summary>
    public int LeftOut { get; init; }
}

/// <summary>A result of the label-free monitor, which measures an encoder if there are no labels.</summary>
/// <param name="Step">Steps done; 0 is the untrained encoder.</param>
/// <param name="Epoch">Epochs done.</param>
/// <param name="Figures">The measures.</param>
public readonly record struct LabelFreeReport(long Step, int Epoch, LabelFreeFigures Figures);

/// <summary>
/// Receives a run's progress, on the training thread. Default implementations do nothing, except <see cref="Judged"/>.
/// </summary>
public interface IPretrainObserver : IRunObserver
{
    /// <summary>A progress report.</summary>
    void Reported(StepReport report)
    {
    }

    /// <summary>The kNN monitor has processed a number of images.</summary>
    void Evaluating(int done, int total)
    {
    }

    /// <summary>The kNN monitor has a result.</summary>
    void Evaluated(KnnReport report)
    {
    }

    /// <summary>The label-free monitor has a result.</summary>
    void Measured(LabelFreeReport report)
    {
    }

    /// <summary>All epochs are done: whether the run was worth it, and whether more epochs may help.</summary>
    /// <param name="conclusion">The sentences, of <see cref="RunWorth"/>.</param>
    void Concluded(IReadOnlyList<string> conclusion)
    {
    }

    /// <summary>A diagnosis of a problem in training; reported once for each kind.</summary>
    void Judged(Diagnosis diagnosis)
    {
        ArgumentNullException.ThrowIfNull(diagnosis);
        Warned(diagnosis.ToString());
    }
}
