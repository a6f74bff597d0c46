using MoCoSharp.Data;
using MoCoSharp.Runs;
using MoCoSharp.Training;

namespace MoCoSharp.Cli;

/// <summary>What to do with a run that is done, as commands that can be copied.</summary>
internal static class NextSteps
{
    /// <summary>The end of a sentence: with labels, how to judge; without, what the encoder is good for.</summary>
    public static string After(PretrainPlan plan, RunFolder run)
    {
        var path = Shell.Quote(run.Path);
        if (plan.Train.ClassNames.Count > 1 && plan.Validation?.ClassNames.Count > 0)
        {
            return $"judge with `moco knn {path}`.";
        }

        (string Command, string What)[] steps =
        [
            (
                $"moco embed {path} -o {Shell.Quote(Path.Combine(run.Path, "features.csv"))}",
                "features of each image, by name"),
            ($"moco inspect {path}", "what the run holds"),
            ($"moco doctor {path}", "whether anything went wrong"),
            (
                $"moco export {path} --format onnx -o {Shell.Quote(Path.Combine(run.Path, "encoder.onnx"))}",
                "the encoder, for other programs"),
            (
                $"moco knn {path} --data LABELED/train --val LABELED/val",
                "how good it is, once there are images in a folder for each class"),
        ];
        var width = steps.Max(step => step.Command.Length);
        return "what comes next, without labels:"
            + string.Concat(
                steps.Select(step => $"{Environment.NewLine}  {step.Command.PadRight(width)}  # {step.What}"));
    }
}
