using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using MoCoSharp.Data;
using MoCoSharp.Data.Images;
using MoCoSharp.Evaluation;
using MoCoSharp.Features;
using MoCoSharp.PyTorch;

namespace MoCoSharp.Cli;

/// <summary>Writes the result of an evaluation, into the run folder or to a file that the user names.</summary>
internal static class EvaluationOutput
{
    private static readonly JsonSerializerOptions Indented = new() { WriteIndented = true };

    /// <summary>
    /// The path for a trained classifier: beside the report that the user names, otherwise in the run folder. Null
    /// stores none.
    /// </summary>
    public static string? ClassifierPath(EncoderTarget encoder, string name, string? output) =>
        !Processes.IsMain ? null
        : output is not null ? Path.ChangeExtension(output, ".classifier.safetensors")
        : encoder.Run is { } run ? Path.Combine(run.Path, "classifiers", name + ".safetensors")
        : null;

    /// <summary>Prints where the classifier is, and how to use it.</summary>
    public static void TellClassifier(string? path) => Console.WriteLine(path is null
        ? "the classifier of a file is not stored: -o report.json stores both"
        : $"{path}: the classifier. `moco predict {Shell.Quote(path)} --data PHOTOS` predicts classes, and `moco " +
            "export` exports it");

    /// <summary>Completes the report, writes report and picture, and prints their paths.</summary>
    /// <param name="encoder">The evaluated encoder.</param>
    /// <param name="data">The images.</param>
    /// <param name="name">Name of the files in the run folder, without extension.</param>
    /// <param name="output">-o: a .json file. Null writes to the run folder, or nothing for a file.</param>
    /// <param name="report">The numbers.</param>
    /// <param name="scores">The scores for the picture.</param>
    public static void Write(
        EncoderTarget encoder, LabeledData data, string name, string? output, JsonObject report,
        ClassificationScores scores)
    {
        report["encoder"] = encoder.Which;
        report["source"] = encoder.Source;
        report["step"] = encoder.Step;
        report["seed"] = encoder.Config.Seed;
        report["train"] = $"{data.Train.Description} ({data.Train.Count})";
        report["judged"] = $"{data.Test.Description} ({data.Test.Count})";
        var path = output ?? (encoder.Run is { } run ? Path.Combine(run.Path, "evaluations", name + ".json") : null);
        var (low, high) = scores.Interval;
        Console.WriteLine(
            FormattableString.Invariant(
                $"top-1 {100 * scores.Top1:F2} % (95 %: {100 * low:F2} to {100 * high:F2}) of {scores.Count} images"
            ) + (double.IsNaN(scores.Top5) ? "" : FormattableString.Invariant($", top-5 {100 * scores.Top5:F2} %")));
        Console.WriteLine($"[{report["protocol"]}]");
        if (path is null || !Processes.IsMain)
        {
            return;
        }

        Directory.CreateDirectory(Path.GetDirectoryName(Path.GetFullPath(path))!);
        AtomicFile.Write(path, stream => stream.Write(Encoding.UTF8.GetBytes(report.ToJsonString(Indented) + "\n")));
        var picture = Path.ChangeExtension(path, ".png");
        AtomicFile.Write(picture, stream => stream.Write(ImageEncoder.Png(ConfusionPicture.Draw(scores))));
        Console.WriteLine($"{path}, and its confusion matrix {picture}");
    }
}
