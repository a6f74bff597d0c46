using System.Globalization;
using MoCoSharp.Diagnostics;
using MoCoSharp.Optimization;
using MoCoSharp.Training;
using static System.FormattableString;

namespace MoCoSharp.Cli.Progress;

/// <summary>Prints the progress of pre-training.</summary>
/// <param name="epochs">Epochs of the whole run.</param>
/// <param name="time">The clock.</param>
internal sealed class ConsoleProgress(int epochs, TimeProvider time) : IPretrainObserver
{
    private const double WorthTellingWait = 0.02;

    private readonly ProgressLines _lines = new(time);
    private StepReport? _latest;
    private HealthFigures? _health;
    private KnnReport? _knn;

    /// <summary>A short description of the encoder before the first step.</summary>
    public string StartedFrom { get; init; } = "untrained";

    public void Stepped(long step, long totalSteps) => _lines.Step(step, totalSteps, Parts(step, totalSteps));

    public void Reported(StepReport report)
    {
        _latest = report;
        _health = report.Health ?? _health;
        _lines.Report(report.TotalSteps, Parts(report.Step, report.TotalSteps));
    }

    public void Evaluating(int done, int total)
    {
        var text = $"kNN: features of {done}/{total} images";
        _lines.Work([Percent(done, total), text], text);
    }

    public void Evaluated(KnnReport report)
    {
        _knn = report;
        var before = report.Step == 0 ? $" ({StartedFrom})" : "";
        Console.WriteLine(
            string.Create(
                CultureInfo.InvariantCulture,
                $"epoch {report.Epoch}/{epochs}  kNN {report.Accuracy:P2}{before} [{report.Protocol}] in " +
                $"{report.Seconds:F1} s"));
    }

    public void Measured(LabelFreeReport report)
    {
        var before = report.Step == 0 ? $" ({StartedFrom})" : "";
        Console.WriteLine(
            $"epoch {report.Epoch}/{epochs}  {report.Figures}{before} " +
            Invariant($"[{report.Figures.Images} images, no labels] in {report.Figures.Seconds:F1} s"));
    }

    public void Concluded(IReadOnlyList<string> conclusion)
    {
        foreach (var sentence in conclusion)
        {
            Console.WriteLine(sentence);
        }
    }

    public void Saved(string path) => Console.WriteLine($"saved {path}");

    public void Warned(string message) => Console.Error.WriteLine($"moco: warning: {message}");

    public void Judged(Diagnosis diagnosis) => Warned(
        $"{diagnosis.Finding}\n  evidence: {diagnosis.Evidence}\n" +
        $"  cause: {diagnosis.Cause}\n  cure: {diagnosis.Cure}");

    // The most important parts come first, because a narrow window cuts the rest.
    private IEnumerable<string> Parts(long step, long total)
    {
        if (Screen.IsLive)
        {
            yield return Percent(step, total);
        }

        if (_latest is not { } report)
        {
            yield return $"step {step}/{total}";
            yield break;
        }

        yield return $"epoch {report.Epoch}/{epochs}";
        yield return $"step {step}/{total}";
        yield return Invariant($"loss {report.Loss:F3}");
        if (Screen.IsLive && _knn is { } knn)
        {
            yield return Invariant($"kNN {knn.Accuracy:P1}");
        }

        yield return Invariant($"contrast {report.ContrastAccuracy:P0}");
        if (!Screen.IsLive)
        {
            yield return Invariant($"lr {report.LearningRate:G3}");
        }

        yield return Invariant($"{report.ImagesPerSecond:F0} images/s");
        if (report.WaitShare >= WorthTellingWait)
        {
            yield return Invariant($"waiting {report.WaitShare:P0}");
        }

        foreach (var part in Health())
        {
            yield return part;
        }
    }

    // A short form of the health figures; moco doctor explains them. Figures that a method lacks are left out.
    private IEnumerable<string> Health()
    {
        if (_health is not { } health)
        {
            yield break;
        }

        if (health.QueueFill < 1)
        {
            yield return Invariant($"queue {health.QueueFill:P0}");
        }

        if (health is { PositiveSimilarity: { } positive, HardestNegative: { } negative })
        {
            yield return Invariant($"cosine {positive:F2}/{negative:F2}");
        }

        if (health.EffectiveRank is { } rank)
        {
            yield return Invariant($"rank {rank:F0}");
        }

        if (health.GradientNorm is { } gradient)
        {
            yield return Invariant($"gradient {gradient:G2}");
        }

        if (health.UpdateRatio is { } update)
        {
            yield return Invariant($"update {update:G2}");
        }
    }

    private static string Percent(long done, long total) =>
        Invariant($"{Math.Floor(100.0 * done / Math.Max(1, total)):F0} %");
}
