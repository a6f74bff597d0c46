using System.Diagnostics;
using System.Globalization;
using MoCoSharp.Data.Loading;
using MoCoSharp.Evaluation;

namespace MoCoSharp.Cli;

/// <summary>How far an evaluation is: a line that is drawn over on a terminal, a line every two seconds in a pipe.</summary>
internal sealed class EvaluationProgress(string what)
{
    private readonly bool _live = !Processes.AreSeveral && !Console.IsOutputRedirected;
    private readonly Stopwatch _watch = Stopwatch.StartNew();
    private TimeSpan _told = TimeSpan.Zero;
    private readonly HashSet<string> _broken = new(StringComparer.Ordinal);
    private int _width;

    /// <summary>So many of so many; from any thread.</summary>
    public void Show(string doing, long done, long total)
    {
        lock (_broken)
        {
            ShowAlone(doing, done, total);
        }
    }

    private void ShowAlone(string doing, long done, long total)
    {
        if (_watch.Elapsed - _told < TimeSpan.FromSeconds(_live ? 0.1 : 2))
        {
            return;
        }

        _told = _watch.Elapsed;
        var text = $"{what}: {doing} {done}/{total}";
        if (_live)
        {
            Console.Write($"\r{text.PadRight(_width)}");
            _width = text.Length;
        }
        else
        {
            Console.WriteLine(text);
        }
    }

    /// <summary>A broken image, named once however often it is met.</summary>
    public void Show(BadImage bad)
    {
        lock (_broken)
        {
            if (_broken.Add(bad.Name))
            {
                Console.Error.WriteLine($"moco: warning: {bad.Name}: {bad.Reason} It takes no part.");
            }
        }
    }

    /// <summary>An epoch's numbers.</summary>
    public void Show(EpochScores epoch, int epochs) => Line(string.Create(CultureInfo.InvariantCulture,
        $"epoch {epoch.Epoch}/{epochs}  lr {epoch.LearningRate:G3}  loss {epoch.Loss:F4}  top-1 {100 * epoch.Top1:F2} %  top-5 {100 * epoch.Top5:F2} %"));

    /// <summary>A line that stays.</summary>
    public void Line(string text)
    {
        if (_width > 0)
        {
            Console.Write($"\r{new string(' ', _width)}\r");
            _width = 0;
        }

        Console.WriteLine(text);
    }
}
