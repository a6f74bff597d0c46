using System.Globalization;
using System.Text.Json.Serialization;
using MoCoSharp.Data;
using MoCoSharp.Data.Datasets;
using MoCoSharp.Data.Loading;
using MoCoSharp.Data.Views;
using MoCoSharp.Distributed;
using MoCoSharp.Features;
using MoCoSharp.Models;
using MoCoSharp.PyTorch;
using MoCoSharp.Runs;
using TorchSharp;
using static TorchSharp.torch;

namespace MoCoSharp.Encoders;

/// <summary>A trained encoder, how its images are prepared, and where it came from.</summary>
/// <param name="Encoder">The encoder, on the CPU and in evaluation mode; disposed with this record.</param>
/// <param name="Views">How its images are prepared. The size is that of evaluation.</param>
/// <param name="Step">Training steps done; 0 if unknown.</param>
/// <param name="Role">Its role in training: query or key encoder.</param>
/// <param name="Source">The name of the run or file that it was loaded from.</param>
public sealed record TrainedEncoder(Encoder Encoder, ViewOptions Views, long Step, EncoderRole Role, string Source)
    : IDisposable
{
    /// <summary>How its images are prepared. The size is that of evaluation.</summary>
    public ViewOptions Views { get; init => field = value.ForEvaluation(); } = Views.ForEvaluation();

    /// <summary>Class names by output of the head, if the encoder is a classifier; otherwise empty.</summary>
    public IReadOnlyList<string> Classes { get; init; } = [];

    /// <summary>The configuration of the run that trained it; null if the weights came without a run.</summary>
    public RunConfig? Run { get; init; }

    /// <summary>The kNN settings of that run; null if unknown.</summary>
    public KnnOptions? Knn { get; init; }

    /// <summary>The type in which convolutions compute: auto, fp32 or bf16.</summary>
    public PrecisionChoice Precision { get; init; } = new RunConfig().Precision;

    /// <summary>Parts of a foreign file that are not used; one sentence each.</summary>
    public IReadOnlyList<string> Ignored { get; init; } = [];

    /// <summary>"resnet50", with non-standard parts added: "resnet18, width 16, small stem".</summary>
    public string Architecture =>
        $"resnet{Encoder.Options.Depth}" +
        (Encoder.Options.Width == 64 ? "" : $", width {Encoder.Options.Width}") +
        (Encoder.Options.Stem == EncoderStem.ImageNet ? "" : $", {Encoder.Options.Stem.Name()} stem");

    /// <summary>Loads an encoder from a run, a checkpoint, an exported file, or PyTorch weights.</summary>
    /// <param name="path">A run folder, whose newest checkpoint is read, or a file.</param>
    /// <param name="role">Which encoder.</param>
    /// <param name="prefix">
    /// The prefix of "conv1.weight" in a foreign file with several networks; null finds it.
    /// </param>
    /// <exception cref="IOException">There is no such folder or file.</exception>
    /// <exception cref="InvalidDataException">It has no usable encoder; the message says why.</exception>
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
            throw new InvalidDataException(
                $"{path}: is no run folder, and holds weights: name one of its files, {others}.");
        }

        var run = RunFolder.Open(path);
        return run.Checkpoints() is [var newest, ..]
            ? LoadFile(
                newest,
                role,
                Path.GetFileName(Path.GetFullPath(path).TrimEnd(Path.DirectorySeparatorChar)),
                prefix)
            : throw new InvalidDataException(
                $"{path}: has no checkpoint yet. Train first: moco pretrain --resume --run {Shell.Quote(path)}");
    }

    /// <summary>
    /// The same encoder, for images of another size. After training on random crops, a larger size than that of the
    /// views often gives better features.
    /// </summary>
    /// <remarks>
    /// Touvron et al. 2019, <see href="https://arxiv.org/abs/1906.06423"/>. Both records share the weights: dispose one
    /// of them.
    /// </remarks>
    /// <param name="size">Side of an image, in pixels, above 0.</param>
    public TrainedEncoder WithSize(int size)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(size);
        return this with
        {
            Views = Views with { Size = size },
            Run = Run is null ? null : Run with { Views = Run.Views with { EvaluationSize = size } },
        };
    }

    /// <summary>Extracts features of every readable image, prepared as this encoder expects.</summary>
    /// <param name="images">The images.</param>
    /// <param name="layer">Pooled features, or the head's output.</param>
    /// <param name="loader">Workers and prefetching; null uses the defaults.</param>
    /// <param name="progress">Called with the number of images done.</param>
    /// <param name="cancellation">Ends the work early.</param>
    /// <returns>
    /// L2-normalized features in the order of the images. Shape [M, D] for pooled features, [M, C] for the head.
    /// </returns>
    /// <exception cref="InvalidDataException">No image can be read.</exception>
    public FeatureSet Extract(
        IImageDataset images,
        FeatureLayer layer = FeatureLayer.Pooled,
        LoaderOptions? loader = null,
        Action<int>? progress = null,
        CancellationToken cancellation = default) =>
        FeatureExtractor.Extract(
            Encoder, images, ViewRecipes.Evaluation(Views), layer, loader ?? new LoaderOptions(),
            Encoder.parameters().First().device, progress: progress, cancellation: cancellation);

    /// <summary>Computes features batch by batch, for data sets whose features do not fit in memory.</summary>
    /// <param name="images">The images, prepared as <see cref="Views"/> say.</param>
    /// <param name="take">Receives each batch in order, on this thread. The batch is valid during the call.</param>
    /// <param name="layer">Pooled features, or the head's output.</param>
    /// <param name="normalize">Whether to scale each row to length 1.</param>
    /// <param name="loader">Workers and prefetching; null uses the defaults.</param>
    /// <param name="badImage">Receives each broken image, on a worker thread.</param>
    /// <param name="group">
    /// The processes that share the work. Each receives every batch. Null is this process alone.
    /// </param>
    /// <param name="cancellation">Ends the work early.</param>
    /// <exception cref="InvalidDataException">No image can be read.</exception>
    /// <exception cref="OperationCanceledException">The work was canceled, on any process.</exception>
    public void ExtractEach(
        IImageDataset images,
        Action<FeatureSet> take,
        FeatureLayer layer = FeatureLayer.Pooled,
        bool normalize = true,
        LoaderOptions? loader = null,
        Action<BadImage>? badImage = null,
        IProcessGroup? group = null,
        CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(images);
        FeatureExtractor.Stream(
            Encoder, images, ViewRecipes.Evaluation(Views), layer, loader ?? new LoaderOptions(),
            Encoder.parameters().First().device, normalize,
            batch => take(new(batch.Values, batch.Labels, batch.Indices, [.. batch.Indices.Select(images.NameOf)])),
            badImage, group, cancellation: cancellation);
    }

    /// <summary>
    /// The metadata of an exported file: architecture, output, mean, std, resize, size, preparation, source, step, and
    /// a classifier's classes.
    /// </summary>
    /// <param name="withHead">Whether the head is exported.</param>
    public IReadOnlyDictionary<string, string> Describe(bool withHead)
    {
        var view = ViewRecipes.Evaluation(Views);
        var isClassifier = withHead && Classes.Count > 0;
        var described = new Dictionary<string, string>(StringComparer.Ordinal)
        {
            ["architecture"] = Architecture,
            ["output"] =
                isClassifier ? $"logits {Encoder.OutputSize}"
                : withHead ? $"embeddings {Encoder.OutputSize}"
                : $"features {Encoder.FeatureSize}",
            ["mean"] = Listed(view.Normalize.Mean),
            ["std"] = Listed(view.Normalize.Std),
            ["resize"] = $"{view.Operations.OfType<Resize>().Single().ShortSide}",
            ["size"] = $"{view.Size}",
            ["color"] = "RGB",
            ["preparation"] = view.Describe().Replace("\n", "; ", StringComparison.Ordinal),
            ["encoder"] = Role.Name(),
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

    private static string Listed(IEnumerable<float> values) =>
        string.Join(',', values.Select(value => value.ToString(CultureInfo.InvariantCulture)));

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
            throw new InvalidDataException(
                $"{path}: is a file of MoCoSharp, for which --prefix {prefix} has no meaning. Use --encoder query " +
                "or key.");
        }

        return file.Metadata.ContainsKey(EncoderFile.ConfigKey) ? EncoderFile.Load(path, file, role)
            : isOurs ? CheckpointEncoder.Load(path, file, role, name)
            : WeightsImport.Open(path, role, prefix);
    }
}
