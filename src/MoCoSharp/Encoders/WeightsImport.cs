using System.Text.Json.Nodes;
using MoCoSharp.Data;
using MoCoSharp.Data.Views;
using MoCoSharp.Distributed;
using MoCoSharp.Methods;
using MoCoSharp.Models;
using MoCoSharp.Optimization;
using MoCoSharp.PyTorch;
using MoCoSharp.Runs;
using TorchSharp;
using static TorchSharp.torch;

namespace MoCoSharp.Encoders;

/// <summary>Imports weights of other programs, as a run folder or as initial weights of training.</summary>
internal static class WeightsImport
{
    private const int DefaultDimension = 128;

    /// <summary>Guesses the recipe with which the weights were trained.</summary>
    public static string LikelyRecipe(ForeignWeights weights)
    {
        ArgumentNullException.ThrowIfNull(weights);
        return weights.Encoder.Stem != EncoderStem.ImageNet ? "moco-cifar10-r18"
            : weights.Encoder.Head == EncoderHead.Mlp ? "moco-v2-imagenet-r50"
            : "moco-v1-imagenet-r50";
    }

    /// <summary>A recipe's configuration with the encoder, queue and optimizer of the file.</summary>
    public static RunConfig Configure(ForeignWeights weights, RunConfig recipe, string source)
    {
        ArgumentNullException.ThrowIfNull(weights);
        ArgumentNullException.ThrowIfNull(recipe);
        var moco = recipe.MoCo ?? new MoCoOptions();
        return recipe with
        {
            Description = $"Imported from {Path.GetFileName(source)}: {weights.Kind}.",
            Encoder = weights.Encoder,
            Views = weights.Views is { } views
                ? recipe.Views with
                {
                    Recipe = views.Recipe,
                    Size = views.Size,
                    EvaluationSize = null,
                    Mean = views.Mean,
                    Std = views.Std,
                }
                : recipe.Views,
            MoCo = moco with
            {
                Dimension = weights.OutputSize ?? DefaultDimension,
                QueueSize = (int?)weights.Queue?.shape[0] ?? moco.QueueSize,
            },
            Optimizer = weights.Sgd is { } sgd
                ? recipe.Optimizer with
                {
                    Momentum = sgd.Momentum,
                    WeightDecay = sgd.WeightDecay,
                }
                : recipe.Optimizer,
        };
    }

    /// <summary>
    /// Creates a run folder with a checkpoint that all commands can use, and with import.json, a report of the import.
    /// </summary>
    /// <param name="weights">The imported weights.</param>
    /// <param name="source">The file.</param>
    /// <param name="folder">The folder of the new run.</param>
    /// <param name="config">From <see cref="Configure"/>, without faults.</param>
    /// <param name="stepsPerEpoch">Steps per epoch with the data of a resume; null if unknown.</param>
    /// <returns>Why a resume is not possible; empty if it is.</returns>
    /// <exception cref="IOException">The folder already has a run.</exception>
    public static IReadOnlyList<string> CreateRun(
        ForeignWeights weights, string source, string folder, RunConfig config, int? stepsPerEpoch)
    {
        ArgumentNullException.ThrowIfNull(weights);
        ArgumentNullException.ThrowIfNull(config);
        List<string> missing =
        [
            .. weights.Missing,
            .. stepsPerEpoch is null
                ? ["the data (--data), which determine the steps per epoch"]
                : Array.Empty<string>(),
        ];
        using var method = MoCo.Create(
            config.Encoder, config.MoCo!, config.BnGroups, config.Seed, SingleProcess.Instance);
        using var optimizer = MomentumOptimizer.Create(method.LearnedParameters, config.Optimizer);
        Fill(weights, source, method, optimizer);
        var epochs = stepsPerEpoch is null ? 0 : weights.Epochs ?? 0;
        var progress = new TrainingProgress
        {
            Step = (long)epochs * (stepsPerEpoch ?? 0),
            Epoch = epochs,
            BatchesPerEpoch = stepsPerEpoch ?? 0,
        };
        var run = RunFolder.Create(folder, config);
        AtomicFile.Write(
            Path.Combine(folder, "import.json"),
            stream =>
                stream.Write(
                    System.Text.Encoding.UTF8.GetBytes(
                        new JsonObject
        {
            ["file"] = Path.GetFileName(source),
            ["kind"] = weights.Kind,
            ["epochs"] = weights.Epochs,
            ["missing"] = new JsonArray([.. missing.Select(item => JsonValue.Create(item))]),
            ["ignored"] = new JsonArray([.. weights.Ignored.Select(item => JsonValue.Create(item))]),
        }.ToString() + "\n")));
        TrainingState.Save(run.CheckpointPath(progress.Step), progress, method, optimizer, config);
        return missing;
    }

    /// <summary>Why an imported run cannot be resumed; empty if it can.</summary>
    public static IReadOnlyList<string> Missing(RunFolder run)
    {
        ArgumentNullException.ThrowIfNull(run);
        return
            File.Exists(run.ImportPath)
            && JsonNode.Parse(File.ReadAllText(run.ImportPath))?["missing"] is JsonArray missing
            ? [.. missing.Select(item => (string?)item ?? "")]
            : [];
    }

    /// <summary>
    /// Why training cannot start with the configuration's initial weights; empty if it can, or if it names none.
    /// </summary>
    public static IReadOnlyList<string> Faults(RunConfig config)
    {
        ArgumentNullException.ThrowIfNull(config);
        if (config.InitialWeights is not { } path)
        {
            return [];
        }

        if (!Path.Exists(path))
        {
            return [$"initialWeights: {path}: there is no such file or run folder."];
        }

        try
        {
            var file = FileOf(path);
            using var weights = ReadFor(file, config.Encoder, config.InitialPrefix);
            return Misfit(file, weights, config.Encoder) is { } misfit ? [$"initialWeights: {misfit}"] : [];
        }
        catch (Exception error) when (error is InvalidDataException or IOException or UnauthorizedAccessException)
        {
            return
            [
                "initialWeights: " +
                $"{error.Message.Replace("--prefix ", "--set initialPrefix=", StringComparison.Ordinal)}",
            ];
        }
    }

    /// <summary>
    /// The settings that make a recipe fit weights, such as "encoder.depth=50" if the recipe has another depth.
    /// </summary>
    /// <param name="weights">The architecture of the weights.</param>
    /// <param name="recipe">The architecture of the recipe.</param>
    public static IReadOnlyList<string> Fitting(EncoderOptions weights, EncoderOptions recipe)
    {
        ArgumentNullException.ThrowIfNull(weights);
        ArgumentNullException.ThrowIfNull(recipe);
        return
        [
            .. weights.Depth == recipe.Depth ? Array.Empty<string>() : [$"encoder.depth={weights.Depth}"],
            .. weights.Width == recipe.Width ? Array.Empty<string>() : [$"encoder.width={weights.Width}"],
            .. weights.Stem == recipe.Stem ? Array.Empty<string>() : [$"encoder.stem={weights.Stem.Name()}"],
        ];
    }

    /// <summary>
    /// Initializes a method with imported weights. All encoders start from the trained encoder; a queue keeps its
    /// random keys.
    /// </summary>
    /// <param name="path">A PyTorch, safetensors or ONNX file, a checkpoint, or a run folder.</param>
    /// <param name="method">A new method.</param>
    /// <param name="encoder">Its architecture.</param>
    /// <param name="prefix">Chooses one of several networks in a file; null finds it.</param>
    /// <returns>A message for users.</returns>
    /// <exception cref="InvalidDataException">The weights have another architecture.</exception>
    public static string Begin(string path, PretrainMethod method, EncoderOptions encoder, string? prefix = null)
    {
        ArgumentNullException.ThrowIfNull(method);
        ArgumentNullException.ThrowIfNull(encoder);
        var file = FileOf(path);
        using var weights = ReadFor(file, encoder, prefix);
        if (Misfit(file, weights, encoder) is { } misfit)
        {
            throw new InvalidDataException(misfit);
        }

        using var scope = NewDisposeScope();
        var state = method.Encoder.state_dict();
        var hasHead =
            weights.Encoder.Head == encoder.Head
            && state
                .Where(item => IsHead(item.Key))
                .All(item =>
                    weights.Query.TryGetValue(item.Key, out var saved) && saved.shape.SequenceEqual(item.Value.shape));
        Copy(weights.Query, state.Where(item => hasHead || !IsHead(item.Key)));
        if (method.KeyEncoder is { } keys)
        {
            keys.load_state_dict(state);
        }

        return $"initialized from {file}, {weights.Kind}{(hasHead ? "" : "; the head is random")}" +
            (weights.HasFoldedNorms
                ? $"{Environment.NewLine}  missing: {ForeignWeights.FoldedNorms}: training loses much of what the " +
                    "weights know. Use a file that keeps BatchNorm (docs/how-to/given-weights.md)."
                : "") +
            string.Concat(weights.Ignored.Select(ignored => $"{Environment.NewLine}  ignored: {ignored}"));
    }

    /// <summary>
    /// Loads an encoder from a foreign file, in evaluation mode, with the views that the weights were trained for.
    /// </summary>
    internal static TrainedEncoder Open(string path, EncoderRole role, string? prefix = null)
    {
        using var weights = ForeignWeights.Read(path, prefix);
        var saved =
            role == EncoderRole.Query
                ? weights.Query
                : weights.Key ?? throw new InvalidDataException($"{path}: is {weights.Kind}, and has no key encoder.");
        var options = weights.Encoder with
        {
            Head = weights.OutputSize is null ? EncoderHead.None : weights.Encoder.Head,
        };
        var views =
            weights.Views
            ?? (
                options.Stem == EncoderStem.ImageNet
                    ? new ViewOptions()
                    : new ViewOptions { Recipe = ViewRecipe.CifarDemo, Size = 32 });
        using var random = new Generator(0); // every weight is overwritten
        var encoder = new Encoder(options, weights.OutputSize ?? DefaultDimension, bnGroups: 1, random);
        using var scope = NewDisposeScope();
        Copy(saved, encoder.state_dict());
        encoder.eval();
        return new TrainedEncoder(encoder, views, 0, role, Path.GetFileName(path)) { Ignored = weights.Ignored };
    }

    /// <summary>Lists files of weights in a folder that is not a run, for a message; null if there are none.</summary>
    internal static string? InFolder(string path)
    {
        if (Directory.Exists(Path.Combine(path, "checkpoints")))
        {
            return null;
        }

        string[] endings = [".pth", ".pt", ".tar", ".ckpt", ".bin", ".safetensors", ".torch", ".pkl", ".onnx"];
        var found = Directory
            .EnumerateFiles(path)
            .Take(1000)
            .Where(file => endings.Contains(Path.GetExtension(file), StringComparer.OrdinalIgnoreCase))
            .Order(StringComparer.Ordinal).ToList();
        return found.Count == 0 ? null : string.Join(", ", found.Take(3)) + (found.Count > 3 ? ", ..." : "");
    }

    // The newest checkpoint of a run, or the file itself.
    private static string FileOf(string path) =>
        !Directory.Exists(path) ? path
        : InFolder(path) is { } others
            ? throw new InvalidDataException(
                $"{path}: is no run folder, and holds weights: name one of its files, {others}.")
        : RunFolder.Open(path).Checkpoints() is [var newest, ..] ? newest
        : throw new InvalidDataException($"{path}: has no checkpoint yet.");

    private static ForeignWeights ReadFor(string file, EncoderOptions encoder, string? prefix) =>
        ForeignWeights.Read(file, prefix, stem: encoder.Stem is EncoderStem.ImageNet ? null : encoder.Stem);

    private static string? Misfit(string file, ForeignWeights weights, EncoderOptions encoder) =>
        Fitting(weights.Encoder, encoder) is not { Count: > 0 } settings ? null
        : $"{file}: is {weights.Kind}; encoder.depth {encoder.Depth}, encoder.width {encoder.Width} and " +
            $"encoder.stem {encoder.Stem.Name()} require another architecture. Add --set " +
            $"{string.Join(' ', settings)}, or use other weights.";

    private static void Fill(ForeignWeights weights, string source, MoCo method, MomentumOptimizer optimizer)
    {
        using var noGrad = no_grad();
        using var scope = NewDisposeScope();
        var hasHead = weights.OutputSize is not null;
        Copy(weights.Query, method.Encoder.state_dict().Where(item => hasHead || !IsHead(item.Key)));
        Copy(weights.Key ?? weights.Query, method.KeyEncoder.state_dict().Where(item => hasHead || !IsHead(item.Key)));
        if (weights.Queue is { } queue)
        {
            method.Queue.Keys.copy_(queue);
            method.Queue.Resume(weights.QueuePosition);
        }

        if (weights.Velocities is { } velocities)
        {
            StateDictionary.Load(
                source,
                optimizer.Velocities.Select(item => (item.Name[OfficialNames.Query.Length..], item.Velocity)),
                velocities);
        }
    }

    // Names and shapes were checked on reading. Only counters may be missing; they start at 0.
    private static void Copy(
        IReadOnlyDictionary<string, Tensor> from,
        IEnumerable<KeyValuePair<string, Tensor>> targets)
    {
        using var noGrad = no_grad();
        foreach (var (name, target) in targets)
        {
            if (from.TryGetValue(name, out var value))
            {
                target.copy_(value);
            }
        }
    }

    private static bool IsHead(string name) => name.StartsWith("fc.", StringComparison.Ordinal);
}
