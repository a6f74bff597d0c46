using System.Globalization;

namespace MoCoSharp.Cli.Progress;

/// <summary>
/// Estimates the time left from the steps of the last minute. There is no estimate until enough steps after the warm-up
/// are done.
/// </summary>
/// <param name="time">The clock.</param>
internal sealed class TimeLeft(TimeProvider time)
{
    private const int WarmUpSteps = 2; // the first steps of a process load and tune kernels
    private const int FewestSteps = 3;
    private const double FewestSeconds = 1;
    private const double WindowSeconds = 60;

    // Training time and steps, since this process started.
    private readonly Queue<(double Seconds, long Steps)> _measured = new();
    private double _seconds;
    private long _steps;
    private long _lastStep;
    private int _stepsSeen;
    private bool _isWarm;
    private long? _since; // a time stamp; null while training is paused

    /// <summary>A step is done.</summary>
    public void Stepped(long step)
    {
        var now = time.GetTimestamp();
        if (_since is { } since && _isWarm)
        {
            _seconds += time.GetElapsedTime(since, now).TotalSeconds;
            _steps++;
        }

        _since = now;
        _lastStep = step;
        _isWarm = _isWarm || ++_stepsSeen >= WarmUpSteps;
        if (!_isWarm)
        {
            return;
        }

        _measured.Enqueue((_seconds, _steps));
        while (_measured.Count > FewestSteps + 1 && _seconds - _measured.Peek().Seconds > WindowSeconds)
        {
            _measured.Dequeue();
        }
    }

    /// <summary>Excludes the time until the next step, for example an evaluation.</summary>
    public void Pause() => _since = null;

    /// <summary>The time left after the last step.</summary>
    /// <param name="total">Total number of steps.</param>
    /// <returns>Null before enough steps are done.</returns>
    public TimeSpan? Estimate(long total)
    {
        if (_measured.Count <= FewestSteps)
        {
            return null;
        }

        var (first, last) = (_measured.Peek(), _measured.Last());
        var seconds = last.Seconds - first.Seconds;
        return seconds < FewestSeconds
            ? null
            : TimeSpan.FromSeconds(Math.Max(0, total - _lastStep) * seconds / (last.Steps - first.Steps));
    }

    /// <summary>A time span for users: 0:04:25, or 3 d 7 h.</summary>
    public static string Text(TimeSpan span) => span.TotalDays >= 1
        ? $"{(int)span.TotalDays} d {span.Hours} h"
        : string.Create(CultureInfo.InvariantCulture, $"{(int)span.TotalHours}:{span.Minutes:D2}:{span.Seconds:D2}");
}
