using System.ComponentModel;
using System.Globalization;
using System.Text.Json.Serialization;
using MoCoSharp.Data;
using MoCoSharp.Data.Loading;
using MoCoSharp.Data.Views;
using MoCoSharp.Distributed;
using MoCoSharp.Features;
using MoCoSharp.Methods;
using MoCoSharp.Models;
using MoCoSharp.Optimization;

namespace MoCoSharp.Runs;

/// <summary>The images over which BatchNorm takes its statistics.</summary>
[JsonConverter(typeof(EnumNameConverter<BatchNormScope>))]
public enum BatchNormScope
{
    /// <summary>Each of bnGroups groups of the global batch.</summary>
    [JsonStringEnumMemberName("split"), Description("bnGroups groups")]
    Split,

    /// <summary>Each process's share of the batch.</summary>
    [JsonStringEnumMemberName("batch"), Description("one group a process")]
    Batch,

    /// <summary>The global batch, whatever the number of processes.</summary>
    [JsonStringEnumMemberName("sync"), Description("one group over all processes")]
    Sync,
}

/// <summary>The complete configuration of a run, as in config.json of its folder.</summary>
public sealed record RunConfig
{
    private IMethodOptions _method = new MoCoOptions();

    /// <summary>The purpose of the recipe, in one sentence.</summary>
    public string Description { get; init; } = "";

    /// <summary>
    /// Where the images come from: a folder, a list file, a packed set, tar shards (shards/{000..099}.tar),
    /// cifar10:PATH, cifar100:PATH, idx:PATH or patterns.
    /// </summary>
    public string Data { get; init; } = "patterns";

    /// <summary>
    /// How the packed set was made, if the images come from one; packing may reduce the resolution. Set when a run
    /// begins.
    /// </summary>
    public string? Packed { get; init; }

    /// <summary>
    /// Labeled images for the kNN monitor, or held-out:0.1: a tenth of the training images, which are then not trained
    /// on. Null uses the test part of the data source, if it has one.
    /// </summary>
    public string? Validation { get; init; }

    /// <summary>Determines views, order, initialization and shuffles.</summary>
    public long Seed { get; init; }

    /// <summary>Total number of epochs, above 0.</summary>
    public int Epochs { get; init; } = 200;

    /// <summary>
    /// Time budget of the whole run in minutes, above 0: `moco pretrain` measures some steps, and chooses epochs that
    /// end within it, unless --set epochs=... chooses them. config.json of a run has these epochs, and null here.
    /// </summary>
    public double? Minutes { get; init; }

    /// <summary>
    /// N, images per step over all processes, above 0. The last, smaller batch of an epoch is dropped.
    /// </summary>
    public int BatchSize { get; init; } = 256;

    /// <summary>
    /// Whether `moco pretrain` lowers batchSize, bnGroups, optimizer.learningRate and moco.queueSize for a small data
    /// set, except those set with --set (see <see cref="ImageFit"/>). config.json of a run has the resulting values,
    /// and false here.
    /// </summary>
    public bool FitToImages { get; init; }

    /// <summary>
    /// Whether `moco pretrain` chooses encoder.width, encoder.stem, views, batchSize, bnGroups, moco.queueSize,
    /// optimizer.learningRate and the most epochs by the number and size of the images, the cores and minutes, except
    /// those set with --set. config.json of a run has the resulting values, and false here.
    /// </summary>
    public bool SizeToImages { get; init; }

    /// <summary>
    /// Groups of the global batch that BatchNorm normalizes separately; sample i is in group i mod bnGroups. 8 in the
    /// paper.
    /// </summary>
    public int BnGroups { get; init; } = 8;

    /// <summary>The images over which BatchNorm takes its statistics.</summary>
    public BatchNormScope Norm { get; init; } = BatchNormScope.Split;

    /// <summary>"cpu", "cuda" or "cuda:n". With "cuda", each process on a machine uses a different device.</summary>
    public string Device { get; init; } = "cpu";

    /// <summary>
    /// The type in which convolutions and linear layers compute. Weights, statistics, loss and updates are always fp32.
    /// config.json of a run records the choice.
    /// </summary>
    public PrecisionChoice Precision { get; init; } = PrecisionChoice.Auto;

    /// <summary>Threads of libtorch; 0 chooses automatically, and config.json records the choice.</summary>
    public int Threads { get; init; }

    /// <summary>Log metrics every so many steps, above 0.</summary>
    public int LogEvery { get; init; } = 20;

    /// <summary>The architecture of the encoders.</summary>
    public EncoderOptions Encoder { get; init; } = new();

    /// <summary>
    /// Initial weights of both encoders: a PyTorch or safetensors file, or a run folder. Null initializes them
    /// randomly.
    /// </summary>
    public string? InitialWeights { get; init; }

    /// <summary>
    /// The prefix of "conv1.weight" in initialWeights, for a file with several networks ("teacher.backbone."). Null
    /// finds it.
    /// </summary>
    public string? InitialPrefix { get; init; }

    /// <summary>The augmentations of views.</summary>
    public ViewOptions Views { get; init; } = new();

    /// <summary>How views are loaded.</summary>
    public LoaderOptions Loader { get; init; } = new();

    /// <summary>The optimizer.</summary>
    public OptimizerOptions Optimizer { get; init; } = new();

    /// <summary>The kNN monitor.</summary>
    public KnnOptions Knn { get; init; } = new();

    /// <summary>When to save checkpoints, and which to keep.</summary>
    public CheckpointOptions Checkpoints { get; init; } = new();

    /// <summary>How often the run monitors its health.</summary>
    public HealthOptions Health { get; init; } = new();

    /// <summary>
    /// Settings that the user chose with <see cref="Load"/>, such as "batchSize=64". Fitting the recipe to the number
    /// of images does not change them.
    /// </summary>
    [JsonIgnore]
    internal IReadOnlyList<string> Chosen { get; init; } = [];

    /// <summary>The names of the methods. A configuration has the section of one of them.</summary>
    public static IReadOnlyList<string> MethodNames => PretrainMethods.Names;

    /// <summary>Reads a configuration from a text and puts settings over it.</summary>
    /// <param name="json">The values that differ from the defaults.</param>
    /// <param name="source">The text that each fault begins with.</param>
    /// <param name="set">Settings over them. The last setting of a key counts.</param>
    /// <exception cref="ConfigurationException">
    /// The text or a setting is invalid. The message lists all faults.
    /// </exception>
    public static RunConfig Parse(string json, string source, IEnumerable<string>? set = null) =>
        RunConfigFile.Parse(json, source, set ?? []);

    /// <summary>The configuration as indented JSON, with all defaults: a recipe, or a run's config.json.</summary>
    public string ToJson() => RunConfigFile.Write(this);

    /// <summary>Settings that differ from those of another configuration and change what is learned.</summary>
    /// <param name="saved">The other configuration, as JSON. Missing keys have their defaults.</param>
    /// <returns>A sentence for each, with both values.</returns>
    public IReadOnlyList<string> DifferencesFrom(string saved) => RunDifferences.Between(saved, this);

    /// <summary>Reads a recipe and puts settings over it.</summary>
    /// <param name="recipe">The name of a shipped recipe, such as "moco-v2-folder", or the path of a JSON file.</param>
    /// <param name="set">
    /// Settings over the recipe, such as "epochs=50" or "moco.temperature=0.1". The last setting of a key counts.
    /// </param>
    /// <exception cref="ConfigurationException">
    /// The recipe does not exist, or the recipe or a setting is invalid. The message lists all faults.
    /// </exception>
    public static RunConfig Load(string recipe, IReadOnlyList<string>? set = null)
    {
        ArgumentException.ThrowIfNullOrEmpty(recipe);
        var config = File.Exists(recipe)
            ? RunConfigFile.Load(recipe, set)
            : RunConfigFile.Parse(ShippedRecipes.Read(recipe), recipe, set ?? []);
        return config with { Chosen = set ?? [] };
    }

    /// <summary>The method and its hyper-parameters: the section "moco", "simClr", ... of the configuration.</summary>
    [JsonIgnore]
    public IMethodOptions Method
    {
        get => _method;
        init => _method = value ?? throw new ArgumentNullException(nameof(value));
    }

    /// <summary>MoCo's hyper-parameters; null for another method.</summary>
    [JsonIgnore]
    public MoCoOptions? MoCo
    {
        get => _method as MoCoOptions;
        init => _method = value ?? throw new ArgumentNullException(nameof(value));
    }

    /// <summary>The same configuration with another method.</summary>
    public RunConfig With(IMethodOptions method) => this with { Method = method };

    /// <summary>Builds the method with its initial weights.</summary>
    /// <param name="images">M, images in the data set.</param>
    /// <param name="group">The ranks that train together.</param>
    /// <exception cref="ArgumentException">The ranks do not divide the BN groups.</exception>
    public PretrainMethod CreateMethod(int images, IProcessGroup group)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(images);
        ArgumentNullException.ThrowIfNull(group);
        return Method.Create(new MethodBuild(
            Encoder, images, GroupsOver(group.Size), Seed, group, SyncNorm: Norm == BatchNormScope.Sync));
    }

    /// <summary>The training views: those of the recipe, or crops and flips for a supervised method.</summary>
    public ViewTransform TrainingViews() =>
        Method.LearnsLabels ? ViewRecipes.Supervised(Views) : ViewRecipes.Train(Views);

    /// <summary>The learning rate of one step of the run.</summary>
    /// <param name="step">Steps done before this one.</param>
    /// <param name="stepsPerEpoch">Above 0.</param>
    public double LearningRateAt(long step, long stepsPerEpoch) =>
        LearningRate.At(
            Optimizer with
            {
                LearningRate = LearningRate.Peak(Optimizer, BatchSize),
            },
            step,
            stepsPerEpoch,
            Epochs);

    /// <summary>All faults of this configuration; each names the option and the fix.</summary>
    public IEnumerable<string> Validate()
    {
        if (Epochs < 1)
        {
            yield return $"epochs is {Epochs}, expected a number above 0.";
        }

        if (Minutes is { } minutes && !(minutes > 0 && double.IsFinite(minutes)))
        {
            yield return $"minutes is {minutes}, expected a number above 0, or null for no time budget.";
        }

        if (BatchSize < 1)
        {
            yield return $"batchSize is {BatchSize}, expected a number above 0.";
        }

        if (BnGroups < 1)
        {
            yield return $"bnGroups is {BnGroups}, expected a number above 0. The paper's recipes use 8.";
        }
        else if (BatchSize >= 1 && BatchSize % BnGroups != 0)
        {
            yield return $"bnGroups is {BnGroups}, which does not divide batchSize {BatchSize}. Set batchSize to " +
                $"{NearestMultiple(BatchSize, BnGroups)}.";
        }

        if (EnumNames.Fault("norm", Norm) is { } norm)
        {
            yield return norm;
        }

        if (EnumNames.Fault("precision", Precision) is { } precision)
        {
            yield return precision;
        }

        if (Threads is < 0 or > 1024)
        {
            yield return $"threads is {Threads}, expected 0 (choose) to 1024.";
        }

        if (LogEvery < 1)
        {
            yield return $"logEvery is {LogEvery}, expected a number above 0.";
        }

        if (InitialPrefix is not null && InitialWeights is null)
        {
            yield return $"initialPrefix is \"{InitialPrefix}\", but initialWeights names no file. Remove " +
                "initialPrefix, or set initialWeights.";
        }

        IEnumerable<string> parts =
            [
                .. Encoder.Validate(), .. ViewRecipes.Faults(Views), .. Loader.Validate(), .. Method.Validate(),
                .. Optimizer.Validate(), .. Knn.Validate(), .. Checkpoints.Validate(), .. Health.Validate(),
            ];
        foreach (var fault in parts)
        {
            yield return fault;
        }
    }

    /// <summary>
    /// BN groups of the global batch for a number of processes. Each process normalizes equally many.
    /// </summary>
    public int GroupsOver(int processes) => Norm == BatchNormScope.Split ? BnGroups : processes;

    /// <summary>Why this many processes cannot train with this configuration; each fault names the fix.</summary>
    public IEnumerable<string> FaultsOver(int processes)
    {
        if (BatchSize >= 1 && BatchSize % processes != 0)
        {
            yield return $"batchSize is {BatchSize}, which does not divide among {processes} processes. Take a " +
                $"batchSize of {NearestMultiple(BatchSize, processes)}.";
        }

        if (Norm == BatchNormScope.Split && BnGroups >= 1 && BnGroups % processes != 0)
        {
            yield return $"bnGroups is {BnGroups}, which does not divide among {processes} processes: each " +
                "normalizes whole groups. Take bnGroups of "
                + $"{NearestMultiple(BnGroups, processes)}, or norm=sync for one group over all processes.";
        }
    }

    /// <summary>Remarks on settings that are valid but rarely intended.</summary>
    public IEnumerable<string> Remarks()
    {
        var official = 0.03 * BatchSize / 256;
        var peak = LearningRate.Peak(Optimizer, Math.Max(1, BatchSize));
        if (MoCo is not null && Optimizer.Kind == OptimizerKind.Sgd && (peak > 4.5 * official || peak < official / 4.5))
        {
            yield return string.Create(
                CultureInfo.InvariantCulture,
                $"optimizer.learningRate is {peak}; the official scale for batchSize {BatchSize} is 0.03 x " +
                $"batchSize / 256 = {official:G3}.");
        }

        var simClr = Method as SimClrOptions;
        if (simClr is not null && BnGroups > 1 && Norm == BatchNormScope.Split)
        {
            yield return $"bnGroups is {BnGroups}: BatchNorm normalizes {BatchSize / BnGroups} images at a time, " +
                "in both views; SimCLR normalizes the global batch. Set bnGroups to 1 for that"
                + (simClr.GradientCache ? ", if memory suffices for the whole batch." : ".");
        }

        if (Encoder is { HeadWidth: not null, Head: EncoderHead.Linear })
        {
            yield return "encoder.headWidth has no effect: the head \"linear\" has no hidden layer.";
        }

        if (simClr is { GradientCache: true } && BnGroups == 1)
        {
            yield return "simClr.gradientCache saves nothing with one BN group, which is the whole batch: set " +
                "bnGroups to batchSize / 128, for example.";
        }

        if (MoCo is { Shuffle: true } && (BnGroups == 1 || Norm == BatchNormScope.Sync))
        {
            yield return "moco.shuffle has no effect with one BN group: a query and its key then share the " +
                "statistics. Set bnGroups to 8.";
        }
    }

    // For the JSON reader, which fills an existing record.
    internal void Use(IMethodOptions method) => _method = method;

    private static int NearestMultiple(int value, int divisor) =>
        Math.Max(divisor, (int)Math.Round(value / (double)divisor) * divisor);
}
