using System.Security.Cryptography;
using System.Text;
using MoCoSharp.Data.Images;
using MoCoSharp.PyTorch;

namespace MoCoSharp.Evaluation;

/// <summary>Where an evaluation writes: into a run folder, beside a report file, or nowhere.</summary>
/// <param name="runFolder">The run folder of the encoder; null for an encoder from a file.</param>
/// <param name="reportPath">The report file that the caller asks for; null takes the run folder.</param>
/// <param name="name">What is evaluated, for file names: "linear-query-step-00000200".</param>
/// <param name="protocol">The protocol in full: evaluations of different protocols get different files.</param>
internal sealed class EvaluationFiles(string? runFolder, string? reportPath, string name, string protocol)
{
    private readonly string _name = $"{name}-{Fingerprint(protocol)}";

    /// <summary>The report; null writes none.</summary>
    public string? Report => reportPath ?? (Stem is null ? null : Stem + ".json");

    /// <summary>The classifier, beside the report that the caller asks for, or in the run folder.</summary>
    public string? Classifier =>
        reportPath is not null ? Path.ChangeExtension(reportPath, ".classifier.safetensors")
        : runFolder is not null ? Path.Combine(runFolder, "classifiers", _name + ".safetensors")
        : null;

    /// <summary>The state that an interrupted evaluation resumes from.</summary>
    public string? State => Stem is null ? null : Stem + ".state.safetensors";

    /// <summary>The list of the images whose labels fine-tuning uses.</summary>
    public string? Labels => Stem is null ? null : Stem + ".labels.txt";

    private string? Stem =>
        runFolder is not null ? Path.Combine(runFolder, "evaluations", _name)
        : reportPath is not null ? Path.ChangeExtension(reportPath, null)
        : null;

    /// <summary>Writes the report and the picture of its confusion matrix.</summary>
    /// <returns>The report with the paths of its files.</returns>
    public EvaluationReport Write(EvaluationReport report)
    {
        if (Report is not { } path)
        {
            return report;
        }

        CreateFolder(path);
        AtomicFile.Write(path, stream => stream.Write(Encoding.UTF8.GetBytes(report.ToJson() + "\n")));
        var picture = Path.ChangeExtension(path, ".png");
        AtomicFile.Write(picture, stream => stream.Write(ImageEncoder.Png(ConfusionPicture.Draw(report.Scores))));
        return report with { Path = path, PicturePath = picture };
    }

    /// <summary>Creates the folder of a file.</summary>
    public static void CreateFolder(string path) =>
        Directory.CreateDirectory(Path.GetDirectoryName(Path.GetFullPath(path))!);

    // Eight hexadecimal digits of the SHA-256 of the text.
    private static string Fingerprint(string text) =>
        Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(text)))[..8];
}
