using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using MoCoSharp.Data;
using MoCoSharp.Data.Images;
using MoCoSharp.Evaluation;
using MoCoSharp.Features;
using MoCoSharp.PyTorch;

namespace MoCoSharp.Cli;

/// <summary>
/// Where the result of an evaluation goes: into the run's folder, or beside the file that a person names.
/// </summary>
internal static class EvaluationOutput
{
    private static readonly JsonSerializerOptions Indented = new() { WriteIndented = true };

    /// <summary>
    /// Where a trained classifier goes: beside the report that a person names, else into the run's folder; null keeps
    /// none.
    /// </summary>
    public static string? ClassifierPath(EncoderTarget encoder, string name, string? output) =>
        !Processes.IsMain ? null
        : output is not null ? Path.ChangeExtension(output, ".classifier.safetensors")
        : encoder.Run is { } run ? Path.Combine(run.Path, "classifiers", name + ".safetensors")
        : null;

    /// <summary>Says where the classifier is, and what it is good for.</summary>
    public static void TellClassifier(string? path) => Console.WriteLine(path is null
        ? "the classifier is not kept, of a file alone: -o report.json keeps both"
        : $"{path}: the classifier. `moco predict {Shell.Quote(path)} --data PHOTOS` names classes, and `moco " +
            "export` takes it");

    /// <summary>Adds what was judged, writes report and picture, and says where.</summary>
    /// <param name="encoder">What was judged.</param>
    /// <param name="data">By what.</param>
    /// <param name="name">Of the files in the run's folder, without extension.</param>
    /// <param name="output">-o: a .json; null takes the run's folder, and for a file alone nothing is kept.</param>
    /// <param name="report">The numbers.</param>
    /// <param name="scores">For the picture.</param>
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
