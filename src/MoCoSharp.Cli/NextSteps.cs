using MoCoSharp.Data;
using MoCoSharp.Runs;
using MoCoSharp.Training;

namespace MoCoSharp.Cli;

/// <summary>Suggests the next commands after a finished run.</summary>
internal static class NextSteps
{
    /// <summary>The end of a sentence: how to evaluate with labels, or how to use the encoder without labels.</summary>
    public static string After(PretrainPlan plan, RunFolder run)
    {
        var path = Shell.Quote(run.Path);
        if (plan.Train.ClassNames.Count > 1 && plan.Validation?.ClassNames.Count > 0)
        {
            return $"`moco report {path}` shows what was learned, and `moco knn {path}` evaluates it.";
        }

        (string Command, string What)[] steps =
        [
            ($"moco report {path}", "a page for your browser: what was learned"),
            (
                $"moco embed {path} -o {Shell.Quote(Path.Combine(run.Path, "features.csv"))}",
                "features of each image, by name"),
            ($"moco inspect {path}", "the content of the run"),
            ($"moco doctor {path}", "whether anything went wrong"),
            (
                $"moco export {path} --format onnx -o {Shell.Quote(Path.Combine(run.Path, "encoder.onnx"))}",
                "the encoder, for other programs"),
            (
                $"moco knn {path} --data LABELED/train --val LABELED/val",
                "its accuracy, with images in a folder for each class"),
        ];
        var width = steps.Max(step => step.Command.Length);
        return "next steps without labels:"
            + string.Concat(
                steps.Select(step => $"{Environment.NewLine}  {step.Command.PadRight(width)}  # {step.What}"));
    }
}
