using System.Text.Json.Serialization;
using MoCoSharp.Data.Datasets;
using MoCoSharp.Data.Views;
using MoCoSharp.Features;
using MoCoSharp.Methods;
using MoCoSharp.Models;
using MoCoSharp.Runs;
using static TorchSharp.torch;

namespace MoCoSharp.Cli;

/// <summary>A run that can begin: a configuration without faults or open choices, and its data.</summary>
internal sealed class Plan
{
    private const int DefaultClasses = 1000; // where there are no data to count them in: a bench

    /// <summary>What is said where a recipe leaves the images open, and nobody names them.</summary>
    public const string NoData = "--data is missing: the recipe is for one's own images. Name them, a folder say: --data photos";

    private Plan(RunConfig config, IImageDataset train, IImageDataset? validation, IReadOnlyList<DataNotice> notices, IReadOnlyList<string> fitted)
    {
        Notices = notices;
        Fitted = fitted;
        Config = config;
        Train = train;
        Validation = validation;
    }

    public RunConfig Config { get; }

    public IImageDataset Train { get; }

    public IImageDataset? Validation { get; }

    /// <summary>What was passed over in the images, and what looks wrong.</summary>
    public IReadOnlyList<DataNotice> Notices { get; }

    /// <summary>What was lowered for the number of images, and why.</summary>
    public IReadOnlyList<string> Fitted { get; }

    public int StepsPerEpoch => Train.Count / Config.BatchSize;

    public long TotalSteps => (long)StepsPerEpoch * Config.Epochs;

    /// <summary>A recipe with settings over it; null, and the faults in the list, where it has some.</summary>
    public static RunConfig? TryLoad(string recipe, IEnumerable<string> settings, List<string> faults)
    {
        try
        {
            return RunConfigFile.Load(Recipes.Find(recipe), settings);
        }
        catch (ConfigurationException error)
        {
            faults.AddRange(error.Faults);
            return null;
        }
    }

    /// <summary>Opens the data and settles what was left to choose; null, and the faults in the list, where something is wrong.</summary>
    /// <param name="config">Null where it has faults of its own.</param>
    /// <param name="dataGiven">--data, for a look at the images where there is no configuration.</param>
    /// <param name="validationGiven">--val, likewise.</param>
    /// <param name="faults">Gets what is wrong.</param>
    /// <param name="processes">That train together.</param>
    /// <param name="settings">
    /// What --set names: it stays as it is where the recipe's values are fitted to the number of images. Null fits nothing, as in a run that is there already.
    /// </param>
    public static Plan? Open(
        RunConfig? config, string? dataGiven, string? validationGiven, List<string> faults, int processes = 1, IReadOnlyCollection<string>? settings = null)
    {
        IReadOnlyList<string> fitted = [];
        var source = config?.Data ?? dataGiven;
        (IImageDataset Train, IImageDataset? Validation)? data = null;
        var notices = new List<DataNotice>();
        try
        {
            data = string.IsNullOrEmpty(source) ? null : DataSource.Open(source, config?.Validation ?? validationGiven, notices.Add);
        }
        catch (DataSourceException error)
        {
            faults.Add(error.Message);
        }

        if (config?.Data is "")
        {
            faults.Add(NoData);
        }

        if (config is { FitToImages: true } && settings is not null && data is { } counted)
        {
            (config, fitted) = ImageFit.Apply(config, counted.Train.Count, processes, key => IsSet(key, settings));
        }

        if (config is not null && data is { } opened && opened.Train.Count < config.BatchSize)
        {
            faults.Add($"{opened.Train.Description}: {opened.Train.Count} images are fewer than batchSize {config.BatchSize}" + (config.BatchSize > ImageFit.SmallestBatch
                ? ". Lower it (--set batchSize=...) or add images."
                : $", and too few to learn from. Add images, or let a released checkpoint look at them: {FewImages.Embed(config.Data)}"));
        }

        if (config?.Supervised is { } supervised && data is { } labelled && (labelled.Train.ClassNames.Count < 2 || (supervised.Classes > 0 && supervised.Classes < labelled.Train.ClassNames.Count)))
        {
            faults.Add($"{labelled.Train.Description}: {labelled.Train.ClassNames.Count} classes; supervised training wants labels of 2 or more" +
                (supervised.Classes > 0 ? $", and as many as supervised.classes, {supervised.Classes}, at most." : ": a folder for each class, or a list with labels."));
        }

        faults.AddRange(processes == 1 ? [] : config?.FaultsOver(processes) ?? []);
        if (config is not null && TorchRuntime.DeviceFault(config.Device) is { } fault)
        {
            faults.Add(fault);
        }

        return faults.Count == 0 && config is not null && data is { } found
            ? new Plan(Resolve(config, found.Train, processes), found.Train, found.Validation, notices, fitted)
            : null;
    }

    // "moco.queueSize=64", or "moco={...}" with it.
    private static bool IsSet(string key, IEnumerable<string> settings) => settings.Any(setting =>
        setting.Split('=')[0] is var name
        && (name == key || (key.StartsWith(name + ".", StringComparison.Ordinal) && setting.Contains($"\"{key[(name.Length + 1)..]}\"", StringComparison.Ordinal))));

    /// <summary>What is allowed, but seldom meant.</summary>
    public IEnumerable<string> Remarks()
    {
        foreach (var remark in Config.Remarks())
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
            yield return $"moco.queueSize {Config.MoCo.QueueSize} is more than half of the {Train.Count} images: older keys of an image become its own negatives. " +
                $"Take {ImageFit.QueueSize(Train.Count, Config.BatchSize)} (--set moco.queueSize={ImageFit.QueueSize(Train.Count, Config.BatchSize)}).";
        }

        if (Config.Knn.EveryEpochs > 0 && Monitor() is null)
        {
            yield return "the kNN monitor is off: it needs labelled images (class folders) in the training set and in --val, or in folders train and val of the source.";
        }
    }

    /// <summary>The kNN monitor; null where labels lack, or where it is not wanted.</summary>
    public KnnMonitor? Monitor() => Config.Knn.EveryEpochs > 0 && Validation is not null && Train.ClassNames.Count > 1 && Validation.ClassNames.Count > 0
        ? new KnnMonitor(Train, Validation, ViewRecipes.Evaluation(Config.Views), Config.Knn, Config.Loader, device(Config.Device))
        : null;

    /// <summary>The same plan, which tells where it waits for images that cannot be read.</summary>
    public Plan Telling(Action<string> notice) => new(Config with { Loader = Config.Loader with { Notice = notice } }, Train, Validation, Notices, Fitted);

    public string Describe() =>
        $"{Train.Description}, {Train.Count} images; ResNet-{Config.Encoder.Depth} of width {Config.Encoder.Width}, batch {Config.BatchSize}, " +
        $"{Config.Method.Describe()}, {Config.Epochs} epochs of {StepsPerEpoch} steps; {Config.Device}, {Config.Precision}, {Config.Threads} torch threads, {Config.Loader.Workers} loader workers";

    /// <summary>Settles what a recipe leaves to choose; done once, and kept in config.json.</summary>
    /// <param name="config">The recipe with settings.</param>
    /// <param name="train">The images; null where none are wanted.</param>
    /// <param name="processes">That share the machine's cores.</param>
    public static RunConfig Resolve(RunConfig config, IImageDataset? train = null, int processes = 1)
    {
        TorchRuntime.Load(); // before anything asks TorchSharp: it says what is missing
        return ResolveOpen(config, train, processes);
    }

    private static RunConfig ResolveOpen(RunConfig config, IImageDataset? train, int processes) => config with
    {
        Precision = PrecisionChoice.Resolve(config.Precision, device(config.Device)).Name(),
        Packed = (train as PackedImages)?.Making,
        Supervised = config.Supervised is { Classes: 0 } supervised ? supervised with { Classes = train?.ClassNames.Count ?? DefaultClasses } : config.Supervised,
        Threads = config.Threads > 0 ? config.Threads : Together.Threads(processes),
        Loader = config.Loader.Workers > 0 ? config.Loader : config.Loader with { Workers = Math.Max(1, Together.Cores(processes) / 2) },
    };
}

[JsonSerializable(typeof(string))]
internal sealed partial class Text : JsonSerializerContext;
