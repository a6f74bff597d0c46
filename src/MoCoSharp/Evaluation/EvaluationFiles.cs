using System.Security.Cryptography;
using System.Text;
using MoCoSharp.Data.Images;
using MoCoSharp.PyTorch;

namespace MoCoSharp.Evaluation;

/// <summary>Where an evaluation writes: into a run folder, beside a report file, or nowhere.</summary>
/// <param name="runFolder">The run folder of the encoder; null for an encoder from a file.</param>
/// <param name="reportPath">The requested report file; null writes into the run folder.</param>
/// <param name="name">The start of the file names, such as "linear-query-step-00000200".</param>
/// <param name="protocol">The complete protocol. Evaluations with different protocols get different files.</param>
internal sealed class EvaluationFiles(string? runFolder, string? reportPath, string name, string protocol)
{
    private readonly List<string> _unwritten = [];
    private readonly string _name = $"{name}-{Fingerprint(protocol)}";

    /// <summary>The path of the report; null writes none.</summary>
    public string? Report => reportPath ?? (Stem is null ? null : Stem + ".json");

    /// <summary>
    /// The path of the classifier: beside the requested report, or in the run folder; null writes none.
    /// </summary>
    public string? Classifier =>
        reportPath is not null ? Path.ChangeExtension(reportPath, ".classifier.safetensors")
        : runFolder is not null ? Path.Combine(runFolder, "classifiers", _name + ".safetensors")
        : null;

    /// <summary>The path of the written classifier; null if none is written yet.</summary>
    public string? WrittenClassifier { get; private set; }

    /// <summary>The path of the state from which an interrupted evaluation resumes.</summary>
    public string? State => Stem is null ? null : Stem + ".state.safetensors";

    /// <summary>The path of the list of images whose labels fine-tuning uses.</summary>
    public string? Labels => Stem is null ? null : Stem + ".labels.txt";

    /// <summary>The files that could not be written, each with the reason.</summary>
    public IReadOnlyList<string> Unwritten => _unwritten;

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

        var picture = Path.ChangeExtension(path, ".png");
        var isWritten = TryWrite(path, stream => stream.Write(Encoding.UTF8.GetBytes(report.ToJson() + "\n")));
        var isDrawn = TryWrite(picture, stream => stream.Write(
            ImageEncoder.Png(ConfusionPicture.Draw(report.Scores))));
        return report with { Path = isWritten ? path : null, PicturePath = isDrawn ? picture : null };
    }

    /// <summary>Writes the classifier, if it has a path.</summary>
    public void WriteClassifier(Action<string> write)
    {
        if (Classifier is { } path && TryWrite(path, () => write(path)))
        {
            WrittenClassifier = path;
        }
    }

    /// <summary>Runs an action that writes a file. A full disk must not lose the scores of a long evaluation.</summary>
    /// <returns>False if the file cannot be written. The reason is added to <see cref="Unwritten"/>.</returns>
    private bool TryWrite(string path, Action write)
    {
        try
        {
            write();
            return true;
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            _unwritten.Add($"{path} could not be written: {error.Message}");
            return false;
        }
    }

    private bool TryWrite(string path, Action<Stream> content) => TryWrite(path, () =>
    {
        CreateFolder(path);
        AtomicFile.Write(path, content);
    });

    /// <summary>Creates the folder of a file.</summary>
    public static void CreateFolder(string path) =>
        Directory.CreateDirectory(Path.GetDirectoryName(Path.GetFullPath(path))!);

    // Eight hexadecimal digits of the SHA-256 of the text.
    private static string Fingerprint(string text) =>
        Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(text)))[..8];
}
