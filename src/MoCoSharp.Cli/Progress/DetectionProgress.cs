using System.Diagnostics;
using System.Globalization;
using MoCoSharp.Detection.Transfer;

namespace MoCoSharp.Cli.Progress;

/// <summary>
/// Prints a detection's progress: on a terminal, a status line and a permanent line every half minute; in a pipe, a
/// line for each report.
/// </summary>
internal sealed class DetectionProgress : IDetectionObserver
{
    private static readonly TimeSpan BetweenLines = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan BetweenWorkLines = TimeSpan.FromSeconds(2);

    private readonly Stopwatch _watch = Stopwatch.StartNew();
    private readonly TimeLeft _left = new(TimeProvider.System);
    private readonly Lock _gate = new();
    private TimeSpan? _told;
    private DetectionReport? _latest;

    public void Stepped(long step, long totalSteps)
    {
        _left.Stepped(step);
        // Steps may be slow: print at regular intervals.
        if (_told is not { } told || _watch.Elapsed - told > BetweenLines)
        {
            TellLine(step, totalSteps);
        }
        else
        {
            Screen.Draw(columns => Screen.Fit(columns, Parts(step, totalSteps)));
        }
    }

    public void Reported(DetectionReport report)
    {
        _latest = report;
        if (!Screen.IsLive)
        {
            TellLine(report.Step, report.TotalSteps);
        }
    }

    public void Working(string what, long done, long total)
    {
        _left.Pause();
        if (Screen.IsLive)
        {
            Screen.Draw(columns => Screen.Fit(columns, [$"{done}/{total}", what]));
            return;
        }

        lock (_gate)
        {
            if (_told is not { } told || _watch.Elapsed - told > BetweenWorkLines)
            {
                _told = _watch.Elapsed;
                Console.WriteLine($"{what}: {done}/{total}");
            }
        }
    }

    public void Saved(string path) => Console.WriteLine($"saved {path}");

    public void Warned(string message) => Console.Error.WriteLine($"moco: warning: {message}");

    private void TellLine(long step, long total)
    {
        _told = _watch.Elapsed;
        Console.WriteLine(Screen.Fit(Screen.IsLive ? Screen.Columns : int.MaxValue, Parts(step, total)));
    }

    private IEnumerable<string> Parts(long step, long total)
    {
        if (_left.Estimate(total) is { } left)
        {
            yield return $"left {TimeLeft.Text(left)}";
        }

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

    private static string Invariant(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
}
