using System.Text.Json.Nodes;
using MoCoSharp.Runs;

namespace MoCoSharp.Detection.Transfer;

/// <summary>The progress of a detection. Losses are means since the last report.</summary>
/// <param name="Step">Steps done.</param>
/// <param name="TotalSteps">Steps of the whole run.</param>
/// <param name="Loss">The sum of the four losses.</param>
/// <param name="Objectness">Whether anchors are objects.</param>
/// <param name="Proposal">Boxes of the proposals.</param>
/// <param name="Classification">Classes of the regions.</param>
/// <param name="Location">Boxes of the regions.</param>
/// <param name="LearningRate">The learning rate of this step.</param>
/// <param name="ImagesPerSecond">Images trained on in a second, since the last report.</param>
/// <param name="WaitShare">Share of the time spent waiting for images, 0 to 1.</param>
public readonly record struct DetectionReport(
    long Step, long TotalSteps, double Loss, double Objectness, double Proposal, double Classification, double Location,
    double LearningRate, double ImagesPerSecond, double WaitShare)
{
    /// <summary>The line of metrics.jsonl.</summary>
    internal JsonObject ToJson() => new()
    {
        ["step"] = Step,
        ["loss"] = Loss,
        ["objectness"] = Objectness,
        ["proposal"] = Proposal,
        ["classification"] = Classification,
        ["location"] = Location,
        ["learningRate"] = LearningRate,
        ["imagesPerSecond"] = ImagesPerSecond,
        ["waitShare"] = WaitShare,
    };
}

/// <summary>Receives the progress of a detection. A method that is not implemented does nothing.</summary>
/// <remarks>Called on the training thread, but <see cref="IRunObserver.Warned"/> on any thread.</remarks>
public interface IDetectionObserver : IRunObserver
{
    /// <summary>A report is due: every so many steps.</summary>
    /// <param name="report">The progress.</param>
    void Reported(DetectionReport report)
    {
    }

    /// <summary>A long task besides training is under way.</summary>
    /// <param name="what">What is counted.</param>
    /// <param name="done">How many are done.</param>
    /// <param name="total">How many there are.</param>
    void Working(string what, long done, long total)
    {
    }
}
