using System.Diagnostics;

namespace MoCoSharp.Cli.Progress;

/// <summary>
/// Prints the progress of any long work. A terminal gets a status line, and a lasting line every half minute. A pipe
/// gets a line for each report. All members may be called from any thread.
/// </summary>
/// <param name="time">The clock of the estimated time left.</param>
/// <param name="printsFirstStep">Whether the first step prints a line at once, for steps that take seconds.</param>
/// <param name="pipe">Receives the lines of work for a pipe; null is standard output.</param>
internal sealed class ProgressLines(TimeProvider time, bool printsFirstStep = false, TextWriter? pipe = null)
{
    private static readonly TimeSpan BetweenStepLines = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan BetweenWorkLines = TimeSpan.FromSeconds(2);

    private readonly Lock _gate = new();
    private readonly Stopwatch _watch = Stopwatch.StartNew();
    private readonly TimeLeft _left = new(time);
    private TimeSpan _stepPrinted = printsFirstStep ? -BetweenStepLines : TimeSpan.Zero;
    private TimeSpan _workShown; // the last line of work, or the last step

    /// <summary>Shows a training step. A slow training still prints a line every half minute.</summary>
    /// <param name="step">Steps done.</param>
    /// <param name="total">Steps in all.</param>
    /// <param name="parts">The parts of the line, the most important first: a narrow window cuts the rest.</param>
    public void Step(long step, long total, IEnumerable<string> parts)
    {
        lock (_gate)
        {
            _left.Stepped(step);
            _workShown = _watch.Elapsed;
            if (_watch.Elapsed - _stepPrinted >= BetweenStepLines)
            {
                Print(total, parts);
                return;
            }
        }

        Screen.Draw(columns => Screen.Fit(columns, WithTimeLeft(total, parts)));
    }

    /// <summary>Prints a report. A terminal shows it in its status line, with the next step.</summary>
    /// <param name="total">Steps in all.</param>
    /// <param name="parts">The parts of the line.</param>
    public void Report(long total, IEnumerable<string> parts)
    {
        lock (_gate)
        {
            if (!Screen.IsLive)
            {
                Print(total, parts);
            }
        }
    }

    /// <summary>Shows work between steps, such as an evaluation. A pipe gets a line every two seconds.</summary>
    /// <param name="parts">The parts of the status line.</param>
    /// <param name="line">The line for a pipe.</param>
    public void Work(IEnumerable<string> parts, string line)
    {
        lock (_gate)
        {
            _left.Pause();
            if (!Screen.IsLive && _watch.Elapsed - _workShown > BetweenWorkLines)
            {
                _workShown = _watch.Elapsed;
                (pipe ?? Console.Out).WriteLine(line);
            }
        }

        Screen.Draw(columns => Screen.Fit(columns, parts));
    }

    private void Print(long total, IEnumerable<string> parts)
    {
        _stepPrinted = _watch.Elapsed;
        Console.WriteLine(Screen.Fit(Screen.IsLive ? Screen.Columns : int.MaxValue, WithTimeLeft(total, parts)));
    }

    private IEnumerable<string> WithTimeLeft(long total, IEnumerable<string> parts) =>
        _left.Estimate(total) is { } left ? parts.Prepend($"left {TimeLeft.Text(left)}") : parts;
}
