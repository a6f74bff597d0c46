using System.Text.Json.Nodes;
using MoCoSharp.Data;
using MoCoSharp.Data.Datasets;
using MoCoSharp.Data.Views;
using MoCoSharp.Detection.Datasets;
using MoCoSharp.Detection.Transfer;
using MoCoSharp.Encoders;
using MoCoSharp.Models;
using MoCoSharp.Runs;

namespace MoCoSharp.Cli.Detection;

/// <summary>
/// A detection that can start: a valid configuration with all choices made, its images, and its initial encoder.
/// </summary>
internal sealed record DetectionPlan(
    DetectionConfig Config, BoxedImages Train, BoxedImages Judged, TrainedEncoder? Encoder
) : IDisposable
{
    /// <summary>The request of the user.</summary>
    /// <param name="Target">RUN or FILE; null for random weights.</param>
    /// <param name="Which">query or key.</param>
    /// <param name="FromScratch">Whether to use random weights, with the architecture of the target if given.</param>
    /// <param name="Data">--data.</param>
    /// <param name="Validation">--val.</param>
    /// <param name="Settings">--set.</param>
    /// <param name="Prefix">--prefix.</param>
    public sealed record Request(
        string? Target, string Which, bool FromScratch, string? Data, string? Validation,
        IReadOnlyList<string> Settings, string? Prefix = null);

    /// <summary>Opens everything, or reports all faults.</summary>
    /// <param name="request">The request.</param>
    /// <param name="others">Faults of the other options.</param>
    public static DetectionPlan Open(Request request, IEnumerable<string> others)
    {
        var faults = others.ToList();
        var role = EnumNames.Find<EncoderRole>(request.Which);
        if (role is null)
        {
            faults.Add($"--encoder is {request.Which}, expected query or key.");
        }

        if (request.Target is null && !request.FromScratch)
        {
            faults.Add(
                "no encoder is given: name a run folder or a file, or add --from-scratch for random weights " +
                "(with --set encoder.depth=18 for another architecture).");
        }
        else if (request.Target is not null && !Path.Exists(request.Target))
        {
            faults.Add(
                $"{request.Target}: there is no such run folder or file.{NearestWord.DidYouMeanPath(request.Target)}");
        }

        if (request.Data is null)
        {
            faults.Add("--data is missing: images with boxes, as voc:DIR or coco:DIR.");
        }

        var data = request.Data is null ? default : OpenData(request.Data, request.Validation, faults);
        var encoder =
            request.Target is not null && Path.Exists(request.Target) && role is { } known
                ? TryOpenEncoder(request.Target, known, request.Prefix, faults)
                : null;
        var config = Parse(request, encoder, faults);
        if (config is not null && TorchRuntime.DeviceFault(config.Device) is { } fault)
        {
            faults.Add(fault);
        }

        if (
            encoder is not null
            && config is not null
            && config.Encoder != encoder.Encoder.Options with { Head = EncoderHead.None, HeadWidth = null })
        {
            faults.Add(
                $"encoder.*: the architecture is {request.Target}'s ({encoder.Architecture}) and cannot be set.");
        }

        if (faults.Count > 0)
        {
            encoder?.Dispose();
            throw new ConfigurationException(faults);
        }

        return new DetectionPlan(config!, data.Train!, data.Judged!, request.FromScratch ? null : encoder);
    }

    /// <summary>Opens the images of a run to continue, and its initial encoder if it has no checkpoint yet.</summary>
    public static DetectionPlan Resume(RunFolder run)
    {
        var config = DetectionConfig.Load(run.ConfigPath);
        var faults = new List<string>();
        var encoder = run.Checkpoints().Count > 0 || config.From == new DetectionConfig().From ? null
            : config.InitialWeights is { } target
                ? TryOpenEncoder(target, config.InitialEncoder, config.InitialPrefix, faults)
            : throw new ConfigurationException([
                $"{run.Path}: has no checkpoint yet, and its config.json does not say which file it began with " +
                $"({config.From}). "
                    + "Remove the folder and start again.",
            ]);
        if (encoder is not null
            && config.Encoder != encoder.Encoder.Options with { Head = EncoderHead.None, HeadWidth = null })
        {
            faults.Add(
                $"{config.InitialWeights}: is now {encoder.Architecture}, another architecture than {run.Path} " +
                "began with.");
        }

        var (train, judged) = OpenData(config.Data, config.Validation, faults);
        if (TorchRuntime.DeviceFault(config.Device) is { } fault)
        {
            faults.Add(fault);
        }

        if (faults.Count > 0)
        {
            encoder?.Dispose();
            throw new ConfigurationException(faults);
        }

        return new DetectionPlan(config, train!, judged!, encoder);
    }

    public string Describe() =>
        $"{Train.Description}, {Train.Count} images, {Train.ClassNames.Count} classes; tested on " +
        $"{Judged.Description}, {Judged.Count} images; Faster R-CNN " +
        $"R{Config.Encoder.Depth}-C4{(Config.Encoder.Width == 64 ? "" : $" of width {Config.Encoder.Width}")} " +
        $"from {Config.From}; {Config.Steps} steps of {Config.BatchSize} images; {Config.Device}, " +
        $"{Config.Precision.Name()}, {Config.Threads} torch threads, {Config.Workers} loader workers";

    /// <summary>Warnings about dropped data, and deviations from the protocol.</summary>
    public IEnumerable<DataNotice> Remarks() =>
    [
        .. Train.Notices.Union(Judged.Notices).Select(text => new DataNotice(text, IsWarning: true)),
        .. Config.Deviations().Select(text => new DataNotice($"not the protocol: {text}")),
    ];

    public void Dispose() => Encoder?.Dispose();

    private static DetectionConfig? Parse(Request request, TrainedEncoder? encoder, List<string> faults)
    {
        try
        {
            return DetectionConfig.Parse(Basis(request, encoder).ToJsonString(), "detection", request.Settings)
                .Resolve();
        }
        catch (ConfigurationException error)
        {
            faults.AddRange(error.Faults);
            return null;
        }
    }

    // The settings from the encoder and from options such as --data.
    private static JsonObject Basis(Request request, TrainedEncoder? encoder)
    {
        var basis = new JsonObject { ["data"] = request.Data ?? "" };
        if (request.Validation is not null)
        {
            basis["validation"] = request.Validation;
        }

        if (encoder is not null)
        {
            var (options, normalize) = (encoder.Encoder.Options, ViewRecipes.Evaluation(encoder.Views).Normalize);
            basis["encoder"] = new JsonObject
            {
                ["depth"] = options.Depth,
                ["width"] = options.Width,
                ["stem"] = options.Stem.Name(),
                ["head"] = EncoderHead.None.Name(),
                ["recompute"] = options.ActivationCheckpointing,
            };
            basis["mean"] = Numbers(normalize.Mean);
            basis["std"] = Numbers(normalize.Std);
            if (!request.FromScratch)
            {
                basis["initialWeights"] = request.Target;
                basis["initialEncoder"] = request.Which;
                basis["initialPrefix"] = request.Prefix;
            }

            basis["from"] = request.FromScratch
                ? "random weights"
                : $"{encoder.Source}, step {encoder.Step}{(encoder.Role == EncoderRole.Key ? ", key encoder" : "")}";
        }

        return basis;
    }

    // Writes the shortest decimal of a float: 0.485, not 0.4850000143.
    private static JsonArray Numbers(IEnumerable<float> values) =>
        [
            .. values.Select(value =>
                (JsonNode)
                    double.Parse(
                        FormattableString.Invariant($"{value:R}"),
                        System.Globalization.CultureInfo.InvariantCulture)),
        ];

    private static TrainedEncoder? TryOpenEncoder(string target, EncoderRole role, string? prefix, List<string> faults)
    {
        try
        {
            var encoder = OpenEncoder(target, role, prefix);
            EncoderTarget.Note(target, encoder);
            return encoder;
        }
        catch (Exception error) when (error is InvalidDataException or IOException or UnauthorizedAccessException)
        {
            faults.Add(error.Message);
            return null;
        }
    }

    private static TrainedEncoder OpenEncoder(string target, EncoderRole role, string? prefix)
    {
        if (
            Directory.Exists(target)
            && RunFolder.Exists(target)
            && DetectionConfig.IsOne(Path.Combine(target, RunFolder.ConfigName)))
        {
            throw new ConfigurationException([
                $"{target} is a detection run, which has no encoder to start from. --resume --run " +
                $"{Shell.Quote(target)} continues it.",
            ]);
        }

        return TrainedEncoder.Load(target, role, prefix);
    }

    private static (BoxedImages? Train, BoxedImages? Judged) OpenData(
        string source,
        string? validation,
        List<string> faults)
    {
        try
        {
            var (train, judged) = BoxedImages.Open(source, validation);
            if (train.ClassNames.Count == 0 || !train.HasObjects)
            {
                faults.Add($"{train.Description}: has no boxes to train on.");
            }

            if (judged is null)
            {
                faults.Add(
                    $"{train.Description}: there are no test images. Name some with --val, as voc:DIR@SET or " +
                    "coco:FILE.json@IMAGES.");
            }

            return (train, judged);
        }
        catch (DataSourceException error)
        {
            faults.Add(error.Message);
            return default;
        }
    }
}
