using System.Text.Json.Serialization;
using MoCoSharp.Data;
using MoCoSharp.Data.Datasets;
using MoCoSharp.Data.Views;
using MoCoSharp.Diagnostics;
using MoCoSharp.Distributed;
using MoCoSharp.Encoders;
using MoCoSharp.Features;
using MoCoSharp.Methods;
using MoCoSharp.Models;
using MoCoSharp.Runs;
using static TorchSharp.torch;

namespace MoCoSharp.Training;

/// <summary>A pre-training run that can start: a valid configuration with every choice made, and its data.</summary>
public sealed class PretrainPlan
{
    private const int DefaultClasses = 1000; // for benchmarks without data

    /// <summary>The fault of a configuration that names no images.</summary>
    public const string NoData =
        "--data is missing: the recipe is for your own images. Name a folder, for example: --data photos";

    private PretrainPlan(
        RunConfig config, IImageDataset train, IImageDataset? validation, IReadOnlyList<DataNotice> notices,
        IReadOnlyList<string> fitted)
    {
        Notices = notices;
        Fitted = fitted;
        Config = config;
        Train = train;
        Validation = validation;
    }

    /// <summary>The configuration, with all choices made.</summary>
    public RunConfig Config { get; }

    /// <summary>The training images.</summary>
    public IImageDataset Train { get; }

    /// <summary>The labeled images of the kNN monitor; null if there are none.</summary>
    public IImageDataset? Validation { get; }

    /// <summary>Notices on files that were left out of the data set, and on problems in it.</summary>
    public IReadOnlyList<DataNotice> Notices { get; }

    /// <summary>Settings that were chosen for the images, with the reason; one sentence each.</summary>
    public IReadOnlyList<string> Fitted { get; }

    /// <summary>Why the epochs were chosen for a time budget, in a sentence; null without one.</summary>
    public string? Budget { get; internal init; }

    /// <summary>The most epochs that a time budget may choose.</summary>
    internal int MostEpochs { get; init; } = int.MaxValue;

    /// <summary>Whether the user set the steps of warm-up, so that a time budget keeps them.</summary>
    internal bool KeepsWarmup { get; init; }

    /// <summary>Training steps in one epoch.</summary>
    public int StepsPerEpoch => Train.Count / Config.BatchSize;

    /// <summary>Training steps in all epochs.</summary>
    public long TotalSteps => (long)StepsPerEpoch * Config.Epochs;

    /// <summary>Opens the data and makes every choice that the configuration leaves open.</summary>
    /// <param name="config">The configuration; null if it could not be read. The data are then still checked.</param>
    /// <param name="dataGiven">The images to check without a configuration.</param>
    /// <param name="validationGiven">The validation images to check without a configuration.</param>
    /// <param name="faults">Receives all faults, one sentence each.</param>
    /// <param name="processes">Processes that train together, above 0.</param>
    /// <param name="settings">
    /// Settings that the user chose ("batchSize=64"). Fitting the recipe to the number of images does not change them.
    /// Null fits nothing, as for a resumed run.
    /// </param>
    /// <param name="listed">Called with the number of images found so far, as by <see cref="DataSource.Open"/>.</param>
    /// <returns>Null if there are faults.</returns>
    public static PretrainPlan? Open(
        RunConfig? config, string? dataGiven, string? validationGiven, ICollection<string> faults, int processes = 1,
        IReadOnlyCollection<string>? settings = null, Action<int>? listed = null)
    {
        ArgumentNullException.ThrowIfNull(faults);
        IReadOnlyList<string> fitted = [];
        var source = config?.Data ?? dataGiven;
        (IImageDataset Train, IImageDataset? Validation)? data = null;
        var notices = new List<DataNotice>();
        try
        {
            data = string.IsNullOrEmpty(source)
                ? null
                : DataSource.Open(source, config?.Validation ?? validationGiven, notices.Add, listed);
        }
        catch (DataSourceException error)
        {
            faults.Add(error.Message);
        }

        if (config?.Encoder.Head == EncoderHead.None)
        {
            faults.Add(MethodFaults.NoHead);
        }

        if (config?.Data is "")
        {
            faults.Add(NoData);
        }

        var minutes = config?.Minutes;
        if (config is { Minutes: not null } && settings is not null && IsSet("epochs", settings))
        {
            if (IsSet("minutes", settings))
            {
                faults.Add(
                    "epochs and minutes are both set: minutes chooses the epochs that end within it. Leave out one.");
            }

            config = config with { Minutes = null };
        }

        var most = int.MaxValue;
        if (config is { SizeToImages: true } && settings is not null && data is { } sized)
        {
            (config, fitted) = PhotoFit.Apply(
                config, ImageFacts.Of(sized.Train, config.Device, processes) with { Minutes = minutes },
                key => IsSet(key, settings));
            most = config.Epochs;
        }

        if (config is { FitToImages: true } && settings is not null && data is { } counted)
        {
            var (fit, changes) = ImageFit.Apply(config, counted.Train.Count, processes, key => IsSet(key, settings));
            (config, fitted) = (fit, [.. fitted, .. changes]);
        }

        if (config is not null && data is { } opened && opened.Train.Count < config.BatchSize)
        {
            var cure = config.BatchSize > ImageFit.SmallestBatch
                ? ". Lower it (--set batchSize=...) or add images."
                : ", and too few to train on. Add images, or embed them with a released checkpoint: " +
                    FewImages.Embed(config.Data);
            faults.Add(
                $"{opened.Train.Description}: {opened.Train.Count} images are fewer than batchSize " +
                $"{config.BatchSize}{cure}");
        }

        if (
            config?.Method is SupervisedOptions supervised
            && data is { } labeled
            && (
                labeled.Train.ClassNames.Count < 2
                || (supervised.Classes > 0 && supervised.Classes < labeled.Train.ClassNames.Count)))
        {
            faults.Add(
                $"{labeled.Train.Description}: {labeled.Train.ClassNames.Count} classes; supervised training " +
                "needs at least 2"
                    + (
                        supervised.Classes > 0
                            ? $", and at most supervised.classes, {supervised.Classes}."
                            : ": a folder for each class, or a list with labels."));
        }

        foreach (var misfit in processes == 1 ? [] : config?.FaultsOver(processes) ?? [])
        {
            faults.Add(misfit);
        }

        if (config is not null && TorchRuntime.DeviceFault(config.Device) is { } fault)
        {
            faults.Add(fault);
        }

        if (processes > 1 && config?.Device.StartsWith("cuda:", StringComparison.Ordinal) == true)
        {
            faults.Add(
                $"device is \"{config.Device}\" with {processes} processes, expected cuda: each process then takes " +
                "the GPU of its number.");
        }

        return faults.Count == 0 && config is not null && data is { } found
            ? new PretrainPlan(Resolve(config, found.Train, processes), found.Train, found.Validation, notices, fitted)
            {
                MostEpochs = most,
                KeepsWarmup = settings is not null && IsSet("optimizer.warmupSteps", settings),
            }
            : null;
    }

    // "moco.queueSize=64", or "moco={...}" that contains it.
    private static bool IsSet(string key, IEnumerable<string> settings) => settings.Any(setting =>
        setting.Split('=')[0] is var name
        && (
            name == key
            || (
                key.StartsWith(name + ".", StringComparison.Ordinal)
                && setting.Contains($"\"{key[(name.Length + 1)..]}\"", StringComparison.Ordinal))));

    /// <summary>Settings that are allowed but seldom intended; one sentence each.</summary>
    public IEnumerable<string> Remarks()
    {
        // Values that were chosen are intended.
        var chosen = Fitted.Select(change => $"{change.Split(' ')[0]} is ").ToList();
        foreach (
            var remark in Config.Remarks()
                .Where(remark => !chosen.Any(key => remark.StartsWith(key, StringComparison.Ordinal))))
        {
            yield return remark;
        }

        foreach (var change in Fitted)
        {
            yield return change;
        }

        if (FewImages.Remark(Config, Train) is { } few)
        {
            yield return few;
        }

        if (Config.MoCo?.QueueSize > Train.Count / 2)
        {
            yield return $"moco.queueSize {Config.MoCo.QueueSize} is more than half of the {Train.Count} images: " +
                "older keys of an image become its own negatives. Use " +
                $"{ImageFit.QueueSize(Train.Count, Config.BatchSize)} (--set " +
                $"moco.queueSize={ImageFit.QueueSize(Train.Count, Config.BatchSize)}).";
        }

        if (Config.Knn.EveryEpochs > 0 && !IsMonitored)
        {
            yield return "the kNN monitor is off: it needs labeled images (class folders) in the training set " +
                "and in --val, or in folders train and val of the source.";
        }
    }

    /// <summary>Whether the kNN monitor runs. It may be off, or labels may be missing.</summary>
    public bool IsMonitored => Monitor(Config, Train, Validation) is not null;

    /// <summary>
    /// What the kNN monitor would measure without an encoder: accuracies of raw pixels and of color histograms.
    /// </summary>
    /// <param name="cancellation">Ends the work early.</param>
    /// <returns>Accuracies, 0 to 1, by name; empty if there are no labels, or too many images.</returns>
    /// <exception cref="OperationCanceledException">The work was canceled.</exception>
    public IReadOnlyDictionary<string, double> PixelAccuracies(CancellationToken cancellation = default) =>
        IsMonitored
            ? KnnBaselines.Measure(
                    Train, Validation!, ViewRecipes.Evaluation(Config.Views), Config.Knn, Config.Loader,
                    device(Config.Device), cancellation: cancellation)
                .ToDictionary(score => score.Name, score => score.Accuracy, StringComparer.Ordinal)
            : new Dictionary<string, double>(StringComparer.Ordinal);

    /// <summary>The kNN monitor of a run; null if it is off or labels are missing.</summary>
    internal static KnnMonitor? Monitor(RunConfig config, IImageDataset train, IImageDataset? validation) =>
        config.Knn.EveryEpochs > 0
        && validation is not null
        && train.ClassNames.Count > 1
        && validation.ClassNames.Count > 0
        ? new KnnMonitor(
            train, validation, ViewRecipes.Evaluation(config.Views), config.Knn, config.Loader,
            device(config.Device))
        : null;

    /// <summary>The label-free monitor of a run; null if monitors are off.</summary>
    internal static LabelFreeMonitor? LabelFreeMonitor(RunConfig config, IImageDataset train) =>
        config.Knn.EveryEpochs > 0
        ? new LabelFreeMonitor(
            train, ViewRecipes.Evaluation(config.Views), config.TrainingViews(), config.Loader, device(config.Device))
        : null;

    /// <summary>
    /// Prepares a run before its first step: reads the initial weights, and draws views into the run's views.png.
    /// </summary>
    /// <param name="run">The run folder; this process holds it.</param>
    /// <param name="method">The new method.</param>
    /// <returns>A message about the initial weights; null if the configuration names none.</returns>
    /// <exception cref="InvalidDataException">The initial weights have another architecture.</exception>
    public string? Begin(RunFolder run, PretrainMethod method)
    {
        var told = Config.InitialWeights is { } weights
            ? WeightsImport.Begin(weights, method, Config.Encoder, Config.InitialPrefix)
            : null;
        ViewPreview.Write(run, Train, Config.TrainingViews(), Config);
        return told;
    }

    /// <summary>Estimates the time and memory of a step from a few images.</summary>
    /// <param name="method">The method of this plan, before training; moved to the configured device.</param>
    /// <returns>
    /// Seconds that a step trains, seconds that the loader needs for its views, and bytes of the process.
    /// </returns>
    public (double StepSeconds, double ViewSeconds, double Bytes) Estimate(PretrainMethod method) =>
        RunEstimate.Measure(this, method);

    /// <summary>Identifies the version, configuration and images, for a comparison between processes.</summary>
    public string Identity() => PlanIdentity.Write(this);

    /// <summary>Differences from the plan of process 0, a sentence each; empty if both train the same.</summary>
    /// <param name="identity">The <see cref="Identity"/> of process 0.</param>
    public IReadOnlyList<string> DifferencesFrom(string identity) => PlanIdentity.Compare(this, identity);

    /// <summary>
    /// Chooses the epochs that end within the time budget, <see cref="RunConfig.Minutes"/>: measures some steps and
    /// evaluations first. Returns this plan if there is no budget.
    /// </summary>
    /// <param name="group">The processes that train together. Every process must call this; all take the choice of
    /// rank 0.</param>
    /// <param name="elapsed">Time since the start of the program.</param>
    /// <param name="faults">Receives a sentence if not even one epoch ends within the budget.</param>
    /// <returns>A plan without a budget, whose <see cref="Budget"/> explains the choice; null if there is
    /// a fault.</returns>
    public PretrainPlan? WithinBudget(IProcessGroup group, TimeSpan elapsed, ICollection<string> faults)
    {
        ArgumentNullException.ThrowIfNull(group);
        ArgumentNullException.ThrowIfNull(faults);
        return Config.Minutes is { } minutes
            ? TimeBudget.Choose(
                this, RunProbe.Measure(this, group, minutes, elapsed.TotalSeconds).OfRankZero(group), faults)
            : this;
    }

    /// <summary>A copy of the plan that reports when it waits for unreadable images.</summary>
    public PretrainPlan Telling(Action<string> notice) =>
        With(Config with { Loader = Config.Loader with { Notice = notice } });

    /// <summary>A copy of the plan with another configuration of the same images.</summary>
    /// <param name="config">Without open choices.</param>
    /// <param name="budget">Why its epochs were chosen; null keeps <see cref="Budget"/>.</param>
    internal PretrainPlan With(RunConfig config, string? budget = null) =>
        new(config, Train, Validation, Notices, Fitted) 
        {
            Budget = budget ?? Budget,
            MostEpochs = MostEpochs,
        };

    /// <summary>The plan in one line: images, network, batch, method, epochs, device.</summary>
    public string Describe() =>
        $"{Train.Description}, {Train.Count} images; ResNet-{Config.Encoder.Depth} of width {Config.Encoder.Width}, " +
        $"batch {Config.BatchSize}, "
        + $"{Config.Method.Describe()}, {Config.Epochs} epochs of {StepsPerEpoch} steps; {Config.Device}, " +
            $"{Config.Precision.Name()}, {Config.Threads} torch threads, {Config.Loader.Workers} loader workers";

    /// <summary>
    /// Makes every choice that a recipe leaves open: precision, threads, workers, classes. A run does this once, and
    /// config.json records it.
    /// </summary>
    /// <param name="config">The recipe with its settings.</param>
    /// <param name="train">The images; null if none are needed.</param>
    /// <param name="processes">Processes that share the machine's cores.</param>
    public static RunConfig Resolve(RunConfig config, IImageDataset? train = null, int processes = 1)
    {
        ArgumentNullException.ThrowIfNull(config);
        TorchRuntime.Load(); // before any use of TorchSharp: reports missing libraries
        return ResolveOpen(config, train, processes);
    }

    private static RunConfig ResolveOpen(RunConfig config, IImageDataset? train, int processes) => config with
    {
        Precision = config.Precision.Resolve(device(config.Device)).ToChoice(),
        Packed = ((train is ImageSubset some ? some.Whole : train) as PackedImages)?.Making,
        Method = config.Method is SupervisedOptions { Classes: 0 } supervised
            ? supervised with { Classes = train?.ClassNames.Count ?? DefaultClasses }
            : config.Method,
        Threads = config.Threads > 0 ? config.Threads : CpuShare.TorchThreads(processes),
        Loader =
            config.Loader.Workers > 0
                ? config.Loader
                : config.Loader with
                {
                    Workers = Math.Max(1, CpuShare.Cores(processes) / 2),
                },
    };
}
