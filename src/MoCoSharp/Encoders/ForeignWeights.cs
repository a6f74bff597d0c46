using MoCoSharp.Data;
using MoCoSharp.Data.Views;
using MoCoSharp.Models;
using MoCoSharp.Optimization;
using MoCoSharp.PyTorch;
using MoCoSharp.Runs;
using static TorchSharp.torch;

namespace MoCoSharp.Encoders;

/// <summary>Settings of SGD that a file stores with its velocities.</summary>
/// <param name="LearningRate">Learning rate at the time of the save.</param>
/// <param name="Momentum">Momentum.</param>
/// <param name="WeightDecay">Weight decay.</param>
internal sealed record ForeignSgd(double LearningRate, double Momentum, double WeightDecay);

/// <summary>
/// Weights from other programs: official MoCo v1 and v2, the CIFAR demo, lightly's MoCo, and bare ResNets of
/// torchvision, timm, detectron2 and others. Reads PyTorch and safetensors files, at any depth of their dictionaries,
/// and ONNX models. The kind is inferred from names and shapes. Unsupported architectures are rejected by name.
/// </summary>
public sealed class ForeignWeights : IDisposable
{
    internal const string FoldedNorms = "the scales of BatchNorm, which were folded into the convolutions";

    private readonly IDisposable _file;

    internal ForeignWeights(IDisposable file) => _file = file;

    /// <summary>A short description of the kind of file.</summary>
    public required string Kind { get; init; }

    /// <summary>The architecture of the encoders; the head is "linear" if no head fits.</summary>
    public required EncoderOptions Encoder { get; init; }

    /// <summary>Size of the head's output, C; null if no head fits.</summary>
    public required int? OutputSize { get; init; }

    /// <summary>The trained encoder, under torchvision's names ("conv1.weight").</summary>
    public required IReadOnlyDictionary<string, Tensor> Query { get; init; }

    /// <summary>The key encoder, its moving average; null if there is none.</summary>
    public IReadOnlyDictionary<string, Tensor>? Key { get; init; }

    /// <summary>The keys of the queue, transposed to [K, C]; null if there are none.</summary>
    public Tensor? Queue { get; init; }

    /// <summary>The row of the queue for the next key.</summary>
    public long QueuePosition { get; init; }

    /// <summary>
    /// The optimizer's velocities under torchvision's names ("conv1.weight"); null if the file lacks some.
    /// </summary>
    public IReadOnlyDictionary<string, Tensor>? Velocities { get; init; }

    /// <summary>The optimizer's settings; null if the file has none.</summary>
    internal ForeignSgd? Sgd { get; init; }

    /// <summary>
    /// Whether BatchNorm was folded into the convolutions. The features are the same. Training changes them at once,
    /// because the scales of BatchNorm are lost.
    /// </summary>
    internal bool HasFoldedNorms { get; init; }

    /// <summary>How the file says that images are prepared; null if it does not say it.</summary>
    internal ViewOptions? Views { get; init; }

    /// <summary>Epochs done; null if unknown.</summary>
    public int? Epochs { get; init; }

    /// <summary>Parts of the file that are not used, with the reason; one sentence each.</summary>
    public required IReadOnlyList<string> Ignored { get; init; }

    /// <summary>The parts that a resume needs and the file lacks.</summary>
    public IEnumerable<string> Missing =>
    [
        .. OutputSize is null ? ["a head that fits"] : Array.Empty<string>(),
        .. HasFoldedNorms ? [FoldedNorms] : Array.Empty<string>(),
        .. Key is null ? ["the key encoder"] : Array.Empty<string>(),
        .. Queue is null ? ["the queue"] : Array.Empty<string>(),
        .. Velocities is null ? ["the optimizer's velocities"] : Array.Empty<string>(),
        .. Epochs is null ? ["the number of epochs done"] : Array.Empty<string>(),
    ];

    /// <summary>The name of the recipe with which the weights were likely trained.</summary>
    public string LikelyRecipe => WeightsImport.LikelyRecipe(this);

    /// <summary>A recipe's configuration with the encoder, queue and optimizer of the file.</summary>
    /// <param name="recipe">The recipe.</param>
    /// <param name="source">The name of the file.</param>
    public RunConfig Configure(RunConfig recipe, string source) => WeightsImport.Configure(this, recipe, source);

    /// <summary>
    /// Creates a run folder with a checkpoint that all commands can use, and with import.json, a report of the import.
    /// </summary>
    /// <param name="source">The file.</param>
    /// <param name="folder">The folder of the new run.</param>
    /// <param name="config">From <see cref="Configure"/>, without faults.</param>
    /// <param name="stepsPerEpoch">Steps per epoch with the data of a resume; null if unknown.</param>
    /// <returns>Why a resume is not possible; empty if it is.</returns>
    /// <exception cref="IOException">The folder already has a run.</exception>
    public IReadOnlyList<string> CreateRun(string source, string folder, RunConfig config, int? stepsPerEpoch) =>
        WeightsImport.CreateRun(this, source, folder, config, stepsPerEpoch);

    /// <summary>Why an imported run cannot be resumed; empty if it can.</summary>
    public static IReadOnlyList<string> MissingIn(RunFolder run) => WeightsImport.Missing(run);

    /// <summary>
    /// Why training cannot start with the configuration's initial weights; empty if it can, or if it names none.
    /// </summary>
    public static IReadOnlyList<string> Faults(RunConfig config) => WeightsImport.Faults(config);

    /// <summary>
    /// The settings that make a recipe fit weights, such as "encoder.depth=50" if the recipe has another depth.
    /// </summary>
    /// <param name="weights">The architecture of the weights.</param>
    /// <param name="recipe">The architecture of the recipe.</param>
    public static IReadOnlyList<string> Fitting(EncoderOptions weights, EncoderOptions recipe) =>
        WeightsImport.Fitting(weights, recipe);

    /// <summary>Reads a file of weights.</summary>
    /// <param name="path">A PyTorch file, a safetensors file or an ONNX model.</param>
    /// <param name="prefix">
    /// Chooses one of several networks: the prefix of "conv1.weight" or the end of that prefix ("teacher.backbone."),
    /// or the name of the dictionary that holds the network ("model_ema"). Null finds the network.
    /// </param>
    /// <param name="stem">
    /// "cifar" or "small" for a first layer of 3x3, because the weights do not show its stride. Null is "cifar". An
    /// ONNX model shows it.
    /// </param>
    /// <exception cref="InvalidDataException">
    /// The file is broken, of an unknown kind, contains NaN, or has an unsupported architecture. The message says
    /// which.
    /// </exception>
    public static ForeignWeights Read(string path, string? prefix = null, EncoderStem? stem = null)
    {
        if (OnnxModel.IsOnnx(path))
        {
            return prefix is null
                ? OnnxWeights.Read(path)
                : throw new InvalidDataException(
                    $"{path}: is an ONNX model, which has one network: leave out --prefix {Shell.Quote(prefix)}.");
        }

        if (IsSafeTensors(path))
        {
            var file = SafeTensors.Read(path);
            return Guard(
                file,
                () =>
                    new ForeignWeightsReader(
                        path, file, file.Tensors,
                        Shapes(file.Tensors, tensor => tensor.shape),
                        null,
                        prefix,
                        stem
                    ).Weights());
        }
        else
        {
            var file = TorchFile.Read(path);
            return Guard(file, () =>
            {
                var state = TensorPaths.Of(path, file.Root);
                return new ForeignWeightsReader(
                    path, file, new LazyTensors(state),
                    Shapes(state, tensor => tensor.Shape),
                    file.Root as PickleDictionary,
                    prefix,
                    stem
                ).Weights();
            });
        }
    }

    /// <summary>Whether a file is a safetensors file: a JSON header after 8 bytes.</summary>
    public static bool IsSafeTensors(string path)
    {
        using var stream = File.OpenRead(path);
        Span<byte> start = stackalloc byte[9];
        return stream.ReadAtLeast(start, 9, throwOnEndOfStream: false) == 9
            && start[8] == '{'
            && !start.StartsWith("PK"u8);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        Queue?.Dispose();
        _file.Dispose();
    }

    private static Dictionary<string, IReadOnlyList<long>> Shapes<T>(
        IReadOnlyDictionary<string, T> tensors,
        Func<T, IReadOnlyList<long>> shape
    ) => tensors.ToDictionary(item => item.Key, item => shape(item.Value), StringComparer.Ordinal);

    private static ForeignWeights Guard(IDisposable file, Func<ForeignWeights> read)
    {
        try
        {
            return read();
        }
        catch
        {
            file.Dispose();
            throw;
        }
    }

    // The tensors of a PyTorch file; each is created on request.
    private sealed class LazyTensors(Dictionary<string, PickleTensor> tensors) : IReadOnlyDictionary<string, Tensor>
    {
        public IEnumerable<string> Keys => tensors.Keys;

        public IEnumerable<Tensor> Values => tensors.Values.Select(tensor => tensor.Tensor);

        public int Count => tensors.Count;

        public Tensor this[string key] => tensors[key].Tensor;

        public bool ContainsKey(string key) => tensors.ContainsKey(key);

        public bool TryGetValue(string key, [System.Diagnostics.CodeAnalysis.MaybeNullWhen(false)] out Tensor value)
        {
            value = tensors.GetValueOrDefault(key)?.Tensor;
            return value is not null;
        }

        public IEnumerator<KeyValuePair<string, Tensor>> GetEnumerator() =>
            tensors.Select(item => KeyValuePair.Create(item.Key, item.Value.Tensor)).GetEnumerator();

        System.Collections.IEnumerator System.Collections.IEnumerable.GetEnumerator() => GetEnumerator();
    }
}
