namespace MoCoSharp.Detection.Transfer;

/// <summary>Where a detection stands, every so many steps; losses are means since the last report.</summary>
/// <param name="Step">Steps done.</param>
/// <param name="TotalSteps">Of the whole run.</param>
/// <param name="Loss">The sum of the four.</param>
/// <param name="Objectness">Whether anchors are objects.</param>
/// <param name="Proposal">Where these lie.</param>
/// <param name="Classification">What regions show.</param>
/// <param name="Location">Where that lies.</param>
/// <param name="LearningRate">Of this step.</param>
/// <param name="ImagesPerSecond">Since the last report.</param>
/// <param name="WaitShare">Share of the time spent waiting for images, 0 to 1.</param>
public readonly record struct DetectionReport(
    long Step, long TotalSteps, double Loss, double Objectness, double Proposal, double Classification, double Location, double LearningRate, double ImagesPerSecond, double WaitShare);

/// <summary>Hears of a detection's progress, on the training thread unless it says otherwise.</summary>
public interface IDetectionObserver
{
    /// <summary>A step is done.</summary>
    void Stepped(long step, long totalSteps);

    /// <summary>Time for a line.</summary>
    void Reported(DetectionReport report);

    /// <summary>Something long is under way: so many of so many.</summary>
    void Working(string what, long done, long total);

    /// <summary>A checkpoint is on disk.</summary>
    void Saved(string path);

    /// <summary>Something that a person should know, and the run goes on. From any thread.</summary>
    void Warned(string message);
}
