using System.Globalization;
using MoCoSharp.Data;
using MoCoSharp.Data.Views;
using MoCoSharp.Models;
using MoCoSharp.PyTorch;
using MoCoSharp.Runs;
using TorchSharp;
using static TorchSharp.torch;

namespace MoCoSharp.Encoders;

/// <summary>Which of a method's two encoders.</summary>
public enum EncoderRole
{
    /// <summary>f_q, the one that learns: what evaluations use.</summary>
    Query,

    /// <summary>f_k, its moving average.</summary>
    Key,
}

/// <summary>An encoder to evaluate or to export, and what one must know of it besides its weights.</summary>
/// <param name="Encoder">On the CPU, in evaluation mode; disposed with this.</param>
/// <param name="Config">Of the run that made it; a file without a run knows its encoder, views and moco.dimension alone.</param>
/// <param name="Step">Steps done.</param>
/// <param name="Role">Which of the two it was.</param>
/// <param name="Source">Where it comes from: the name of the run, or of the file.</param>
public sealed record TrainedEncoder(Encoder Encoder, RunConfig Config, long Step, EncoderRole Role, string Source) : IDisposable
{
    /// <summary>Class names by output of the head, of an encoder that was made a classifier; empty where the head tells no classes.</summary>
    public IReadOnlyList<string> Classes { get; init; } = [];

    /// <summary>Whether the settings of kNN in <see cref="Config"/> are the run's; a file that knows none has the defaults.</summary>
    public bool HasKnnSettings { get; init; } = true;

    /// <summary>What of a file of others was not taken; a sentence each.</summary>
    public IReadOnlyList<string> Ignored { get; init; } = [];

    /// <summary>How its images are prepared.</summary>
    public ViewOptions Views => Config.Views;

    /// <summary>"resnet50", with what departs from the standard: "resnet18, width 16, small stem".</summary>
    public string Architecture =>
        $"resnet{Encoder.Options.Depth}" +
        (Encoder.Options.Width == 64 ? "" : $", width {Encoder.Options.Width}") +
        (Encoder.Options.Stem == "imagenet" ? "" : $", {Encoder.Options.Stem} stem");

    /// <summary>Opens the newest checkpoint of a run, a checkpoint, an encoder that was exported, or weights of PyTorch.</summary>
    /// <param name="path">A run folder, or a file.</param>
    /// <param name="role">Which encoder.</param>
    /// <param name="prefix">What precedes "conv1.weight" in a file of others with several networks; null finds it.</param>
    /// <exception cref="IOException">There is no such folder or file.</exception>
    /// <exception cref="InvalidDataException">It cannot be used; the message says why.</exception>
    public static TrainedEncoder Load(string path, EncoderRole role = EncoderRole.Query, string? prefix = null)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        TorchRuntime.Load();
        if (!Directory.Exists(path))
        {
            return LoadFile(path, role, Path.GetFileName(path), prefix);
        }

        if (WeightsImport.InFolder(path) is { } others)
        {
            throw new InvalidDataException($"{path}: is no run folder, and holds weights: name one of its files, {others}.");
        }

        var run = RunFolder.Open(path);
        return run.Checkpoints() is [var newest, ..]
            ? LoadFile(newest, role, Path.GetFileName(Path.GetFullPath(path).TrimEnd(Path.DirectorySeparatorChar)), prefix)
            : throw new InvalidDataException($"{path}: has no checkpoint yet. Train first: moco pretrain --resume --run {Shell.Quote(path)}");
    }

    /// <summary>What goes with the weights into a file: architecture, layer, mean, std, resize, size, preparation, source and step; of a classifier its classes.</summary>
    /// <param name="withHead">Whether the head goes along.</param>
    public IReadOnlyDictionary<string, string> Describe(bool withHead)
    {
        var view = ViewRecipes.Evaluation(Views);
        var isClassifier = withHead && Classes.Count > 0;
        var described = new Dictionary<string, string>(StringComparer.Ordinal)
        {
            ["architecture"] = Architecture,
            ["output"] = isClassifier ? $"logits {Encoder.OutputSize}" : withHead ? $"embeddings {Encoder.OutputSize}" : $"features {Encoder.FeatureSize}",
            ["mean"] = Listed(view.Normalize.Mean),
            ["std"] = Listed(view.Normalize.Std),
            ["resize"] = $"{view.Operations.OfType<Resize>().Single().ShortSide}",
            ["size"] = $"{view.Size}",
            ["color"] = "RGB",
            ["preparation"] = view.Describe().Replace("\n", "; ", StringComparison.Ordinal),
            ["encoder"] = Role == EncoderRole.Query ? "query" : "key",
            ["source"] = Source,
            ["step"] = $"{Step}",
        };
        if (isClassifier)
        {
            described[EncoderFile.ClassesKey] = EncoderFile.Text(Classes);
        }

        return described;
    }

    /// <inheritdoc/>
    public void Dispose() => Encoder.Dispose();

    private static string Listed(IEnumerable<float> values) => string.Join(',', values.Select(value => value.ToString(CultureInfo.InvariantCulture)));

    private static TrainedEncoder LoadFile(string path, EncoderRole role, string name, string? prefix)
    {
        if (!ForeignWeights.IsSafeTensors(path))
        {
            return WeightsImport.Open(path, role, prefix);
        }

        using var file = SafeTensors.Read(path);
        var isOurs = file.Metadata.ContainsKey(EncoderFile.ConfigKey) || file.Metadata.ContainsKey("config");
        if (isOurs && prefix is not null)
        {
            throw new InvalidDataException($"{path}: is of MoCoSharp's own, where --prefix {prefix} has no use: --encoder query or key chooses.");
        }

        return file.Metadata.ContainsKey(EncoderFile.ConfigKey) ? EncoderFile.Load(path, file, role)
            : isOurs ? CheckpointEncoder.Load(path, file, role, name)
            : WeightsImport.Open(path, role, prefix);
    }
}
