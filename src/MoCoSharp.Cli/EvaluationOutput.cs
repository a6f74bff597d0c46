using MoCoSharp.Data;
using MoCoSharp.Evaluation;

namespace MoCoSharp.Cli;

/// <summary>Prints the reports of evaluations.</summary>
internal static class EvaluationOutput
{
    /// <summary>Prints the scores, the protocol and the files of a report.</summary>
    public static void Print(EvaluationReport report)
    {
        var scores = report.Scores;
        var (low, high) = scores.Interval;
        Console.WriteLine(
            FormattableString.Invariant($"top-1 {100 * scores.Top1:F2} % (95 %: {100 * low:F2} to {100 * high:F2}) ") +
            $"of {scores.Count} images" +
            (double.IsNaN(scores.Top5) ? "" : FormattableString.Invariant($", top-5 {100 * scores.Top5:F2} %")));
        Console.WriteLine($"[{report.Protocol}]");
        if (report.Path is { } path)
        {
            var picture = report.PicturePath is { } drawn ? $", and its confusion matrix {drawn}" : "";
            Console.WriteLine(path + picture);
        }
    }

    /// <summary>Prints which files could not be written.</summary>
    /// <returns>The exit code: failed if a file could not be written.</returns>
    public static int PrintUnwritten(EvaluationReport report)
    {
        foreach (var fault in report.Unwritten)
        {
            Console.Error.WriteLine($"moco: {fault}");
        }

        return report.Unwritten.Count == 0 ? ExitCode.Done : ExitCode.Failed;
    }

    /// <summary>Prints the best epoch of a training.</summary>
    /// <param name="report">A report with epochs.</param>
    /// <param name="remark">A remark on the choice, which begins with a comma.</param>
    public static void PrintBest(EvaluationReport report, string remark = "")
    {
        var best = report.Best!.Value;
        Console.WriteLine(
            FormattableString.Invariant($"best epoch {best.Epoch}: top-1 {100 * best.Top1:F2} %, ") +
            $"chosen on the test images{remark}");
    }

    /// <summary>Prints the path of the classifier, and the commands that use it.</summary>
    public static void PrintClassifier(EvaluationReport report)
    {
        if (report.ClassifierPath is { } path)
        {
            Console.WriteLine(
                $"{path}: the classifier. `moco predict {Shell.Quote(path)} --data PHOTOS` predicts classes, " +
                "and `moco export` exports it");
        }
        else if (report.Unwritten.Count == 0)
        {
            Console.WriteLine(
                "the classifier was not written: an encoder file has no run folder. -o report.json writes both");
        }
    }
}
