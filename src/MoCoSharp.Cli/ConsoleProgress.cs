using System.Diagnostics;
using System.Globalization;
using MoCoSharp.Training;
using MoCoSharp.Training.Health;

namespace MoCoSharp.Cli;

/// <summary>A run's progress: a live bar on a terminal, plain lines in a pipe.</summary>
internal sealed class ConsoleProgress(int epochs) : IPretrainObserver
{
    private static readonly TimeSpan BetweenDrawings = TimeSpan.FromSeconds(0.1);
    private static readonly TimeSpan BetweenLines = TimeSpan.FromSeconds(2);

    private readonly bool _live = !Processes.AreSeveral && !Console.IsOutputRedirected;
    private readonly Stopwatch _watch = Stopwatch.StartNew();
    private StepReport? _latest;
    private HealthFigures? _health;
    private TimeSpan? _drawn;
    private TimeSpan _evaluationTold;
    private int _barWidth;

    public void Stepped(long step, long totalSteps)
    {
        if (_live && (_drawn is not { } drawn || _watch.Elapsed - drawn > BetweenDrawings))
        {
            _drawn = _watch.Elapsed;
            Draw($"{Bar(step / (double)totalSteps)} {Text(step, totalSteps)}");
        }
    }

    public void Reported(StepReport report)
    {
        _latest = report;
        _health = report.Health ?? _health;
        if (!_live)
        {
            Console.WriteLine(Text(report.Step, report.TotalSteps));
        }
    }

    public void Evaluating(int done, int total)
    {
        if (_live)
        {
            Draw($"{Bar(done / (double)total)} kNN: features of {done}/{total} images");
        }
        else if (_watch.Elapsed - _evaluationTold > BetweenLines)
        {
            _evaluationTold = _watch.Elapsed;
            Console.WriteLine($"kNN: features of {done}/{total} images");
        }
    }

    public void Evaluated(KnnReport report) => Line(FormattableString.Invariant(
        $"epoch {report.Epoch}/{epochs}  kNN {report.Accuracy:P2} {(report.Step == 0 ? "(untrained) " : "")}[{report.Protocol}] in {report.Seconds:F1} s"));

    public void Saved(string path) => Line($"saved {path}");

    public void Warned(string message)
    {
        Clear();
        Console.Error.WriteLine($"moco: warning: {message}");
    }

    public void Judged(Verdict verdict) => Warned($"{verdict.Finding}\n  evidence: {verdict.Evidence}\n  cause: {verdict.Cause}\n  cure: {verdict.Cure}");

    /// <summary>A line that stays.</summary>
    public void Line(string text)
    {
        Clear();
        Console.WriteLine(text);
    }

    private string Text(long step, long total)
    {
        if (_latest is not { } report)
        {
            return $"step {step}/{total}";
        }

        var left = TimeSpan.FromSeconds((total - step) / Math.Max(report.ImagesPerSecond / ImagesPerStep, 1e-9));
        return string.Create(CultureInfo.InvariantCulture,
            $"epoch {report.Epoch}/{epochs}  step {step}/{total}  loss {report.Loss:F3}  contrast {report.ContrastAccuracy:P0}  " +
            $"lr {report.LearningRate:G3}  {report.ImagesPerSecond:F0} images/s  waiting {report.WaitShare:P0}  left {Clock(left)}{Health()}");
    }

    // The shortest that can be said; moco doctor has the sentences.
    private string Health() => _health is not { } health ? "" : string.Create(CultureInfo.InvariantCulture,
        $"  |{(health.QueueFill < 1 ? $" queue {health.QueueFill:P0}" : "")} cosine {health.PositiveSimilarity:F2}/{health.HardestNegative:F2}" +
        $"  rank {health.EffectiveRank:F0}  gradient {health.GradientNorm:G2}  update {health.UpdateRatio:G2}");

    /// <summary>For the time left.</summary>
    public required int ImagesPerStep { get; init; }

    internal static string Clock(TimeSpan time) => time.TotalDays >= 1
        ? $"{(int)time.TotalDays} d {time.Hours} h"
        : $"{(int)time.TotalHours}:{time.Minutes:D2}:{time.Seconds:D2}";

    private static string Bar(double share)
    {
        const int width = 20;
        var full = (int)(Math.Clamp(share, 0, 1) * width);
        return $"[{new string('#', full)}{new string('.', width - full)}]";
    }

    private void Draw(string text)
    {
        var room = Math.Max(20, SafeWidth() - 1);
        var shown = text.Length > room ? text[..room] : text;
        Console.Write($"\r{shown}{new string(' ', Math.Max(0, _barWidth - shown.Length))}");
        _barWidth = shown.Length;
    }

    private void Clear()
    {
        if (_live && _barWidth > 0)
        {
            Console.Write($"\r{new string(' ', _barWidth)}\r");
            _barWidth = 0;
        }
    }

    private static int SafeWidth()
    {
        try
        {
            return Console.WindowWidth > 0 ? Console.WindowWidth : 80;
        }
        catch (IOException)
        {
            return 80;
        }
    }
}
