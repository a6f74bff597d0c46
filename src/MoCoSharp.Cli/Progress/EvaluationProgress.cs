using System.Globalization;
using MoCoSharp.Data.Loading;
using MoCoSharp.Evaluation;

namespace MoCoSharp.Cli.Progress;

/// <summary>
/// Prints the progress of an evaluation: a status line on a terminal, or a line every two seconds in a pipe.
/// Thread-safe.
/// </summary>
/// <param name="what">The name of the evaluation.</param>
/// <param name="pipe">Receives the lines for a pipe; null is standard output.</param>
internal sealed class EvaluationProgress(string what, TextWriter? pipe = null)
{
    private readonly ProgressLines _lines = new(TimeProvider.System, pipe: pipe);
    private readonly HashSet<string> _broken = new(StringComparer.Ordinal); // also the lock
    private readonly BadImageWarnings _warnings = new(text => Console.Error.WriteLine($"moco: warning: {text}"));

    /// <summary>Shows how much is done.</summary>
    public void Show(string doing, long done, long total) =>
        _lines.Work([$"{what}:", $"{done}/{total}", doing], $"{what}: {doing} {done}/{total}");

    /// <summary>Warns about a broken image, once.</summary>
    public void Show(BadImage bad)
    {
        lock (_broken)
        {
            if (_broken.Add(bad.Name))
            {
                _warnings.Tell(bad, "It is left out.");
            }
        }
    }

    /// <summary>Prints the scores of an epoch.</summary>
    public static void ShowEpoch(EpochScores epoch, int epochs) =>
        Console.WriteLine(
            string.Create(
                CultureInfo.InvariantCulture,
                $"epoch {epoch.Epoch}/{epochs}  lr {epoch.LearningRate:G3}  loss {epoch.Loss:F4}  top-1 " +
                $"{100 * epoch.Top1:F2} %  top-5 {100 * epoch.Top5:F2} %"));
}
