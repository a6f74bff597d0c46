using MoCoSharp.Encoders;
using MoCoSharp.Models;
using MoCoSharp.PyTorch;

namespace MoCoSharp.Export;

/// <summary>A file format of another tool. Every file is reloaded and compared before it gets its name.</summary>
public abstract class ExportFormat
{
    /// <summary>The greatest difference that rounding in float32 explains, as a share of the largest feature.</summary>
    internal const double Tolerance = ExportCheck.Tolerance;

    private protected ExportFormat(string name) => Name = name;

    /// <summary>The names of all formats.</summary>
    public static IReadOnlyList<string> Names { get; } =
        ["safetensors", "onnx", "torchvision", "timm", "torch", "detectron2"];

    /// <summary>The name of the format, one of <see cref="Names"/>.</summary>
    public string Name { get; }

    /// <summary>The tool that loads the file.</summary>
    internal virtual string Loader => Name;

    /// <summary>How the file is checked, in a phrase.</summary>
    internal virtual string Check => "reloaded, and run on random images, one and three at a time";

    /// <summary>The format of a name.</summary>
    /// <param name="name">One of <see cref="Names"/>.</param>
    /// <param name="options">What some formats need to know; null takes the defaults.</param>
    /// <exception cref="ArgumentException">
    /// There is no such format, or <see cref="ExportOptions.RunOnnx"/> is missing for "onnx".
    /// </exception>
    public static ExportFormat Create(string name, ExportOptions? options = null)
    {
        options ??= new ExportOptions();
        return name switch
        {
            "safetensors" => new SafeTensorsFormat(),
            "onnx" => new OnnxFormat(options),
            "torchvision" => new TorchvisionFormat(),
            "timm" => new TimmFormat(),
            "torch" => new OfficialFormat(
                options.Training is { } training ? OfficialCheckpoint.Find(training) : null),
            "detectron2" => new Detectron2Format(),
            _ => throw new ArgumentException(
                $"{name}: there is no such export format. Expected one of {string.Join(", ", Names)}.",
                nameof(name)),
        };
    }

    /// <summary>Why the tool could not load this encoder; empty if it can.</summary>
    /// <param name="trained">The encoder.</param>
    /// <param name="withHead">Whether its head is exported.</param>
    /// <param name="path">The file to write.</param>
    public IReadOnlyList<string> Faults(TrainedEncoder trained, bool withHead, string path)
    {
        ArgumentNullException.ThrowIfNull(trained);
        ArgumentException.ThrowIfNullOrEmpty(path);
        return
        [
            .. withHead && trained.Encoder.Options.Head == EncoderHead.None
                ? [$"{trained.Source}: has no head. Leave out --head."]
                : Array.Empty<string>(),
            .. FormatFaults(trained, withHead, path),
        ];
    }

    /// <summary>
    /// Writes the file under another name, reloads it, compares its features with those of the encoder, and renames it.
    /// </summary>
    /// <param name="trained">The encoder.</param>
    /// <param name="withHead">
    /// Whether to export the head too. A classifier keeps its head in every format that takes one.
    /// </param>
    /// <param name="path">The file; its folder exists.</param>
    /// <exception cref="InvalidDataException">
    /// The features differ by more than rounding explains. A file that was there is left as it was.
    /// </exception>
    public ExportReport Export(TrainedEncoder trained, bool withHead, string path)
    {
        ArgumentNullException.ThrowIfNull(trained);
        ArgumentException.ThrowIfNullOrEmpty(path);
        withHead = TakesHead(trained, withHead);
        var unproven = path + ".unproven";
        try
        {
            Write(unproven, trained, withHead);
            var difference = Difference(unproven, trained, withHead);
            if (!(difference <= Tolerance)) // also if it is NaN
            {
                throw Differs(path, difference);
            }

            AtomicFile.Replace(unproven, path);
            return new ExportReport
            {
                Path = path,
                Format = Name,
                SizeBytes = new FileInfo(path).Length,
                Metadata = trained.Describe(withHead),
                Architecture = trained.Architecture,
                Difference = difference,
                Check = Check,
                Loader = Loader,
                Instructions = [.. Loading(trained, withHead, path)],
            };
        }
        finally
        {
            File.Delete(unproven);
        }
    }

    /// <summary>How to load the file, line by line, in the language of the tool.</summary>
    internal virtual IEnumerable<string> Loading(TrainedEncoder trained, bool withHead, string path) => [];

    /// <summary>Why this format cannot hold the encoder, or its head.</summary>
    internal virtual IEnumerable<string> FormatFaults(TrainedEncoder trained, bool withHead, string path) => [];

    /// <summary>Whether the head is exported.</summary>
    /// <param name="trained">The encoder.</param>
    /// <param name="asked">Whether the caller asks for it.</param>
    internal virtual bool TakesHead(TrainedEncoder trained, bool asked) => asked || trained.Classes.Count > 0;

    /// <summary>Writes the file.</summary>
    internal abstract void Write(string path, TrainedEncoder trained, bool withHead);

    /// <summary>Reloads the file, and compares its features with those of the encoder.</summary>
    /// <returns>The greatest difference, as <see cref="ExportCheck"/> measures it.</returns>
    internal abstract double Difference(string path, TrainedEncoder trained, bool withHead);

    private static InvalidDataException Differs(string path, double difference)
    {
        var found = FormattableString.Invariant($"its features differ by {difference:G3} of the largest one");
        var expected = FormattableString.Invariant($"expected at most {Tolerance}");
        return new InvalidDataException(
            $"{path}: not written. Reloaded, {found}, {expected}. " +
            "Are there weights that are not finite, or near the limits of float32? " +
            "If not, this is a bug in MoCoSharp: please report it.");
    }
}
