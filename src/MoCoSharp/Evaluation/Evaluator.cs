using System.Text.Json.Nodes;
using MoCoSharp.Data;
using MoCoSharp.Data.Datasets;
using MoCoSharp.Data.Loading;
using MoCoSharp.Data.Views;
using MoCoSharp.Distributed;
using MoCoSharp.Encoders;
using MoCoSharp.Features;
using MoCoSharp.Models;
using MoCoSharp.Runs;
using TorchSharp;
using static TorchSharp.torch;

namespace MoCoSharp.Evaluation;

/// <summary>
/// Evaluates a trained encoder on labeled images: by nearest neighbors, linear classification or fine-tuning. Each
/// method returns a complete report, and writes it if <see cref="RunFolder"/> or <see cref="ReportPath"/> is set.
/// </summary>
/// <param name="trained">The encoder. Its weights do not change.</param>
/// <param name="train">The labeled training images.</param>
/// <param name="judged">The labeled test images, of the same classes.</param>
public sealed class Evaluator(TrainedEncoder trained, IImageDataset train, IImageDataset judged)
{
    private readonly RunConfig _config = trained.Run ?? new RunConfig();
    private readonly ViewOptions _views = (trained.Run?.Views ?? trained.Views).ForEvaluation();

    /// <summary>Workers and prefetching.</summary>
    public LoaderOptions Loader { get; init; } = new();

    /// <summary>The device of the encoder.</summary>
    public Device Device { get; init; } = CPU;

    /// <summary>The ranks that share the work, each with the same encoder. Fine-tuning uses one process.</summary>
    public IProcessGroup Group { get; init; } = SingleProcess.Instance;

    /// <summary>
    /// The run folder of the encoder. Features, states for resuming, classifiers and reports are stored in it.
    /// </summary>
    /// <value>Null stores nothing.</value>
    public string? RunFolder { get; init; }

    /// <summary>The report file, a .json. The picture and the classifier are written beside it.</summary>
    /// <value>Null writes the report into <see cref="RunFolder"/>.</value>
    public string? ReportPath { get; init; }

    /// <summary>Whether trained classifiers are written too.</summary>
    public bool KeepsClassifier { get; init; } = true;

    /// <summary>Called with the phase, the number of images done, and their total, from any thread.</summary>
    public Action<string, long, long>? Progress { get; init; }

    /// <summary>Called with one sentence about each step of the work.</summary>
    public Action<string>? Noted { get; init; }

    /// <summary>Called after each epoch of a training.</summary>
    public Action<EpochScores>? EpochDone { get; init; }

    /// <summary>Called once if a training diverges, with a clause that describes it.</summary>
    public Action<string>? Diverging { get; init; }

    /// <summary>Called with a warning if a file could not be written. The evaluation continues.</summary>
    public Action<string>? Warned { get; init; }

    /// <summary>Called each time a broken image is read, from any thread. The image is left out.</summary>
    public Action<BadImage>? BadImageFound { get; init; }

    /// <summary>Classifies the test images by their nearest neighbors among the training images.</summary>
    /// <param name="options">The number of neighbors, the temperature and the layer.</param>
    /// <param name="protocol">The name of the protocol, for the report.</param>
    /// <param name="fitNeighbors">
    /// Whether a bank with fewer images lowers the number of neighbors. If false, it is an error.
    /// </param>
    /// <param name="cancellation">Ends the work early.</param>
    /// <exception cref="ArgumentException">There are more neighbors than labeled images.</exception>
    /// <exception cref="InvalidDataException">No image can be read, or a feature is not finite.</exception>
    /// <exception cref="OperationCanceledException">The work was canceled on any rank.</exception>
    public EvaluationReport Knn(
        KnnOptions options, string protocol = "own", bool fitNeighbors = true,
        CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(options);
        // the precision of the kNN monitor of the run
        trained.Encoder.Precision = (trained.Run?.Precision ?? trained.Precision).Resolve(Device);
        using var bank = Features(train, options.Layer, cancellation);
        using var queries = Features(judged, options.Layer, cancellation);
        if (fitNeighbors)
        {
            var labeled = bank.Labels.Count(label => label >= 0);
            options = options with { Neighbors = Math.Min(options.Neighbors, labeled) };
        }

        var result = KnnProtocol.Judge(bank, queries, train.ClassNames, options, Group, Device);
        var full =
            $"{KnnProtocol.Describe(protocol, options)}; {trained.Role.Name()} encoder in " +
            $"{trained.Encoder.Precision.Name()}, evaluation view at {_views.Size} px; " +
            $"bank {train.Description} ({bank.Labels.Length}), queries {judged.Description} ({result.Scores.Count})";
        var json = EvaluationJson.Create("knn", full, result.Scores);
        json["neighbours"] = options.Neighbors;
        json["temperature"] = options.Temperature;
        json["layer"] = options.Layer.Name();
        json["view"] = ViewRecipes.Evaluation(_views).Describe();
        json["classesMissingFromTheBank"] = new JsonArray([
            .. result.MissingClasses.Select(missing => (JsonNode)missing),
        ]);
        AddSource(json);
        return Write(Files("knn", full), new EvaluationReport("knn", full, result.Scores, json)
        {
            MissingClasses = result.MissingClasses,
        });
    }

    /// <summary>
    /// Trains a linear classifier on the frozen encoder by MoCo's official protocol, on randomly cropped and flipped
    /// images.
    /// </summary>
    /// <param name="options">The protocol.</param>
    /// <param name="cancellation">Ends the work early. The same call resumes after the last complete epoch.</param>
    /// <exception cref="InvalidDataException">
    /// The saved state belongs to another evaluation, or training diverged.
    /// </exception>
    /// <exception cref="OperationCanceledException">The work was canceled on any rank.</exception>
    public EvaluationReport Linear(LinearOptions options, CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(options);
        var trend = new TrendWatch(options.Epochs, train.ClassNames.Count, Diverging);
        var probe = new LinearProbe(trained.Encoder, train, judged, _views, options, Loader, Device, Group)
        {
            Progress = ShowEpoch,
            EpochDone = epoch => Finish(epoch, trend),
            BadImageFound = BadImageFound,
            Warned = Warned,
        };
        var files = Files("linear", probe.Protocol);
        probe.Trained = Keep(files, probe.Protocol);
        var result = probe.Run(Group.Rank == 0 ? files.State : null, cancellation);
        return Report("linear", probe.Protocol, result, trend.Trouble, files);
    }

    /// <summary>
    /// Trains a linear classifier on features that are computed once, without augmentation. It takes minutes instead of
    /// hours, but is not the official protocol. The learning rate is chosen on a tenth of the training images.
    /// </summary>
    /// <param name="options">The protocol. Its learning rate is not used.</param>
    /// <param name="cancellation">Ends the work early.</param>
    /// <exception cref="InvalidDataException">There are too few images, or no scores are finite.</exception>
    /// <exception cref="OperationCanceledException">The work was canceled on any rank.</exception>
    public EvaluationReport LinearOnCachedFeatures(LinearOptions options, CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(options);
        using var bank = Features(train, FeatureLayer.Pooled, cancellation);
        using var queries = Features(judged, FeatureLayer.Pooled, cancellation);
        var probe = new CachedLinearProbe(options) { Progress = Noted };
        var protocol =
            $"{probe.Protocol}; pooled features of the {trained.Role.Name()} encoder, not normalized; " +
            $"evaluation view at {_views.Size} px; trained on {train.Description} ({train.Count}), " +
            $"judged on {judged.Description} ({judged.Count})";
        var files = Files("linear-cached", protocol);
        probe.Trained = Keep(files, protocol);
        var result = probe.Run(bank, queries, train.ClassNames, cancellation);
        var json = EvaluationJson.Create("linear-cached", protocol, result.Scores);
        EvaluationJson.AddScans(json, result);
        AddSource(json);
        return Write(files, new EvaluationReport("linear-cached", protocol, result.Scores, json)
        {
            LearningRate = result.Rate,
            Optimum = (result.Optimum.Top1, result.Strength, result.OptimumConverged),
            ClassifierPath = files.WrittenClassifier,
        });
    }

    /// <summary>Trains a copy of the whole encoder, with a new linear classifier, on some or all labels.</summary>
    /// <param name="options">The protocol, and which labels to use.</param>
    /// <param name="cancellation">Ends the work early. The same call resumes after the last complete epoch.</param>
    /// <exception cref="InvalidDataException">
    /// The list of labels names unknown images, the saved state belongs to another evaluation, or training diverged.
    /// </exception>
    /// <exception cref="OperationCanceledException">The work was canceled.</exception>
    public EvaluationReport FineTune(FineTuningOptions options, CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(options);
        var indices = options.LabelList is { } list
            ? LabelSubset.FromList(train, list)
            : LabelSubset.Stratified(train, options.LabelShare, options.Seed);
        var trend = new TrendWatch(options.Epochs, train.ClassNames.Count, Diverging);
        var tuning = new FineTuning(
            trained.Run?.Encoder ?? trained.Encoder.Options, options.FromScratch ? null : trained.Encoder, train,
            indices, judged, _views, options, Loader, Device)
        {
            Progress = ShowEpoch,
            EpochDone = epoch => Finish(epoch, trend),
            BadImageFound = BadImageFound,
            Warned = Warned,
        };
        var kind = options.FromScratch ? "scratch" : "finetune";
        var files = Files(kind, tuning.Protocol);
        if (files.Labels is { } labels)
        {
            EvaluationFiles.CreateFolder(labels);
            LabelSubset.Save(train, indices, labels);
        }

        tuning.Trained = tuned => Keep(
            files, path => ClassifierFile.Write(path, trained, tuned, train.ClassNames, tuning.Protocol));
        var result = tuning.Run(files.State, cancellation);
        return Report(kind, tuning.Protocol, result, trend.Trouble, files);
    }

    private EvaluationReport Report(
        string evaluation, string protocol, ClassificationResult result, string? trouble, EvaluationFiles files)
    {
        var json = EvaluationJson.Create(evaluation, protocol, result.Scores);
        EvaluationJson.AddEpochs(json, result);
        if (trouble is not null)
        {
            json["warning"] = trouble;
        }

        AddSource(json);
        return Write(files, new EvaluationReport(evaluation, protocol, result.Scores, json)
        {
            Epochs = result.Epochs,
            Warning = trouble,
            ClassifierPath = files.WrittenClassifier,
        });
    }

    private EvaluationReport Write(EvaluationFiles files, EvaluationReport report) =>
        Group.Rank == 0 ? files.Write(report) with { Unwritten = files.Unwritten } : report;

    private void AddSource(JsonObject json)
    {
        json["encoder"] = trained.Role.Name();
        json["source"] = trained.Source;
        json["step"] = trained.Step;
        json["seed"] = _config.Seed;
        json["train"] = $"{train.Description} ({train.Count})";
        json["judged"] = $"{judged.Description} ({judged.Count})";
    }

    private EvaluationFiles Files(string evaluation, string protocol) =>
        new(RunFolder, ReportPath, $"{evaluation}-{trained.Role.Name()}-step-{trained.Step:D8}", protocol);

    private Action<Tensor, Tensor> Keep(EvaluationFiles files, string protocol) => (weight, bias) => Keep(
        files, path => ClassifierFile.Write(path, trained, weight, bias, train.ClassNames, protocol));

    private void Keep(EvaluationFiles files, Action<string> write)
    {
        if (KeepsClassifier && Group.Rank == 0)
        {
            files.WriteClassifier(write);
        }
    }

    private void ShowEpoch(int done, int total) => Progress?.Invoke("images of the epoch", done, total);

    private void Finish(EpochScores epoch, TrendWatch trend)
    {
        EpochDone?.Invoke(epoch);
        trend.Look(epoch);
    }

    // Computes features in the evaluation view, not normalized. A single process stores them in the run folder; several
    // processes store nothing.
    private FeatureSet Features(IImageDataset images, FeatureLayer layer, CancellationToken cancellation)
    {
        var view = ViewRecipes.Evaluation(_views);
        if (RunFolder is null || Group.Size > 1)
        {
            return Extract();
        }

        var (features, foundIn) = new FeatureCache(Path.Combine(RunFolder, "features")).Get(
            trained.Encoder, images, view, layer, Extract,
            done => Progress?.Invoke("images compared with stored features", done, images.Count),
            Warned, cancellation);
        if (foundIn is not null)
        {
            Noted?.Invoke($"using the stored features of {images.Description}: {foundIn}");
        }

        return features;

        FeatureSet Extract() => FeatureExtractor.Extract(
            trained.Encoder, images, view, layer, Loader, Device, normalize: false,
            done => Progress?.Invoke("features of images", done, images.Count), BadImageFound, Group,
            cancellation: cancellation);
    }
}
