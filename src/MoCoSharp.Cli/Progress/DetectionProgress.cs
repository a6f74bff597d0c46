using System.Globalization;
using MoCoSharp.Detection.Transfer;
using static System.FormattableString;

namespace MoCoSharp.Cli.Progress;

/// <summary>Prints the progress of a detection training.</summary>
internal sealed class DetectionProgress : IDetectionObserver
{
    private readonly ProgressLines _lines = new(TimeProvider.System, printsFirstStep: true);
    private DetectionReport? _latest;

    public void Stepped(long step, long totalSteps) => _lines.Step(step, totalSteps, Parts(step, totalSteps));

    public void Reported(DetectionReport report)
    {
        _latest = report;
        _lines.Report(report.TotalSteps, Parts(report.Step, report.TotalSteps));
    }

    public void Working(string what, long done, long total) =>
        _lines.Work([$"{done}/{total}", what], $"{what}: {done}/{total}");

    public void Saved(string path) => Console.WriteLine($"saved {path}");

    public void Warned(string message) => Console.Error.WriteLine($"moco: warning: {message}");

    private IEnumerable<string> Parts(long step, long total)
    {
        yield return $"step {step}/{total}";
        if (_latest is { } report)
        {
            yield return Invariant($"loss {report.Loss:F3}");
            yield return Invariant($"{report.ImagesPerSecond:F1} images/s");
            yield return string.Create(
                CultureInfo.InvariantCulture,
                $"(anchors {report.Objectness:F3} + {report.Proposal:F3}, regions {report.Classification:F3} + " +
                $"{report.Location:F3})");
            yield return Invariant($"lr {report.LearningRate:G3}");
            yield return Invariant($"waiting {report.WaitShare:P0}");
        }
    }
}
