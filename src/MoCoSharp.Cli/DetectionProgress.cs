using System.Diagnostics;
using System.Globalization;
using MoCoSharp.Detection;

namespace MoCoSharp.Cli;

/// <summary>A detection's progress: drawn over on a terminal, plain lines in a pipe.</summary>
internal sealed class DetectionProgress : IDetectionObserver
{
    private readonly bool _live = !Console.IsOutputRedirected;
    private readonly Stopwatch _watch = Stopwatch.StartNew();
    private readonly Lock _gate = new();
    private TimeSpan _told = TimeSpan.FromSeconds(-10);
    private DetectionReport? _latest;
    private int _width;

    /// <summary>For the time left.</summary>
    public int ImagesPerStep { get; set; } = 1;

    public void Stepped(long step, long totalSteps)
    {
        if (_live)
        {
            Draw(() => Text(step, totalSteps));
        }
        else if (_latest is null || _watch.Elapsed - _told > TimeSpan.FromSeconds(30))
        {
            Draw(() => Text(step, totalSteps)); // steps may be slow: nothing is silent for long
        }
    }

    public void Reported(DetectionReport report)
    {
        _latest = report;
        if (!_live)
        {
            _told = _watch.Elapsed;
            Line(Text(report.Step, report.TotalSteps));
        }
    }

    public void Working(string what, long done, long total) => Draw(() => $"{what}: {done}/{total}");

    public void Saved(string path) => Line($"saved {path}");

    public void Warned(string message)
    {
        lock (_gate)
        {
            Clear();
            Console.Error.WriteLine($"moco: warning: {message}");
        }
    }

    /// <summary>A line that stays.</summary>
    public void Line(string text)
    {
        lock (_gate)
        {
            Clear();
            Console.WriteLine(text);
        }
    }

    private string Text(long step, long total)
    {
        if (_latest is not { } report)
        {
            return $"step {step}/{total}";
        }

        var left = TimeSpan.FromSeconds((total - step) * ImagesPerStep / Math.Max(report.ImagesPerSecond, 1e-9));
        return string.Create(CultureInfo.InvariantCulture,
            $"step {step}/{total}  loss {report.Loss:F3} (anchors {report.Objectness:F3} + {report.Proposal:F3}, regions {report.Classification:F3} + {report.Location:F3})  lr {report.LearningRate:G3}  " +
            $"{report.ImagesPerSecond:F1} images/s  waiting {report.WaitShare:P0}  left {ConsoleProgress.Clock(left)}");
    }

    private void Draw(Func<string> text)
    {
        lock (_gate)
        {
            if (_watch.Elapsed - _told < TimeSpan.FromSeconds(_live ? 0.1 : 2))
            {
                return;
            }

            _told = _watch.Elapsed;
            var shown = text();
            if (_live)
            {
                Console.Write($"\r{shown.PadRight(_width)}");
                _width = shown.Length;
            }
            else
            {
                Console.WriteLine(shown);
            }
        }
    }

    private void Clear()
    {
        if (_width > 0)
        {
            Console.Write($"\r{new string(' ', _width)}\r");
            _width = 0;
        }
    }
}
