using System.CommandLine;
using MoCoSharp.Cli.Progress;
using MoCoSharp.Data;
using MoCoSharp.Data.Datasets;
using MoCoSharp.Data.Views;
using MoCoSharp.Distributed;
using MoCoSharp.Encoders;
using MoCoSharp.Features;
using MoCoSharp.Models;
using MoCoSharp.Runs;
using TorchSharp;
using static TorchSharp.torch;

namespace MoCoSharp.Cli;

/// <summary>An encoder that a person names as RUN or FILE, ready to be judged.</summary>
internal sealed class EncoderTarget : IDisposable
{
    private readonly TrainedEncoder _trained;

    private EncoderTarget(TrainedEncoder trained, RunConfig config, RunFolder? run, string target)
    {
        _trained = trained;
        Config = config;
        Run = run;
        Target = target;
    }

    /// <summary>As a person named it.</summary>
    public string Target { get; }

    /// <summary>query or key.</summary>
    public string Which => _trained.Role.Name();

    public Encoder Encoder => _trained.Encoder;

    /// <summary>The same with what one must know of it besides its weights.</summary>
    public TrainedEncoder Trained => _trained;

    /// <summary>
    /// The configuration of the run that trained it; of a file without one, the defaults with what the file knows.
    /// </summary>
    public RunConfig Config { get; }

    public long Step => _trained.Step;

    /// <summary>The run, or the file.</summary>
    public string Source => _trained.Source;

    /// <summary>Where evaluations are kept; null for a file alone.</summary>
    public RunFolder? Run { get; }

    public Device Device => device(Config.Device);

    /// <summary>
    /// The images that a run was trained on; null where weights came from elsewhere, and no images with them.
    /// </summary>
    public string? OwnData =>
        Run is null || Config.Data.Length == 0 || (File.Exists(Run.ImportPath) && Config.Data == new RunConfig().Data)
            ? null
            : Config.Data;

    /// <summary>
    /// Opens the newest checkpoint of a run, or a file; where it cannot even be looked for, every fault is told.
    /// </summary>
    /// <param name="target">RUN or FILE.</param>
    /// <param name="which">--encoder.</param>
    /// <param name="others">Faults of the other options.</param>
    /// <param name="processes">That share the work.</param>
    /// <param name="prefix">--prefix.</param>
    public static EncoderTarget Open(
        string target, string which, IEnumerable<string> others, int processes = 1,
        string? prefix = null)
    {
        var faults = new List<string>();
        var role = EnumNames.Find<EncoderRole>(which);
        if (role is null)
        {
            faults.Add($"--encoder is {which}, expected query or key.");
        }

        if (!Path.Exists(target))
        {
            faults.Add($"{target}: there is no such run folder or file.{NearestWord.DidYouMeanPath(target)}");
        }

        if (faults.Count > 0)
        {
            throw new ConfigurationException([.. faults, .. others]);
        }

        var trained = TrainedEncoder.Load(target, role!.Value, prefix);
        Note(target, trained);
        var config = trained.Run ?? new RunConfig
        {
            Encoder = trained.Encoder.Options,
            Views = trained.Views,
            Knn = trained.Knn ?? new KnnOptions(),
            Precision = trained.Precision,
        };
        set_num_threads(config.Threads > 0 && processes == 1 ? config.Threads : CpuShare.TorchThreads(processes));
        trained.Encoder.to(device(config.Device));
        config = config with
        {
            Loader = config.Loader with { Notice = text => Console.Error.WriteLine($"moco: warning: {text}") },
        };
        return new EncoderTarget(trained, config, Directory.Exists(target) ? RunFolder.Open(target) : null, target);
    }

    /// <summary>--prefix, for every verb that reads weights.</summary>
    public static Option<string?> PrefixOption() => new("--prefix")
    {
        HelpName = "name",
        Description =
            "What precedes conv1.weight (teacher.backbone), or the dictionary meant (model_ema), in a file of " +
            "others with several networks.",
    };

    /// <summary>Tells what of a file of others was not taken.</summary>
    public static void Note(string target, TrainedEncoder trained)
    {
        foreach (var ignored in trained.Ignored)
        {
            Console.Error.WriteLine($"moco: note: {target}: ignored: {ignored}");
        }
    }

    /// <summary>Whether the settings of kNN are the run's, and not the defaults of a file that knows none.</summary>
    public bool HasKnnSettings => _trained.Knn is not null;

    /// <summary>
    /// Features of a set in the evaluation view, not normalised: those kept in features/ of the run where there are
    /// any, else made and kept.
    /// </summary>
    /// <remarks>Several processes share the work, and keep nothing.</remarks>
    public FeatureSet Features(
        IImageDataset images, FeatureLayer layer, EvaluationProgress progress, IProcessGroup group,
        CancellationToken cancellation)
    {
        var view = ViewRecipes.Evaluation(Config.Views);
        if (Run is null || group.Size > 1)
        {
            return Extract();
        }

        var (features, foundIn) = new FeatureCache(Path.Combine(Run.Path, "features")).Get(
            Encoder, images, view, layer, Extract,
            done => progress.Show("images compared with those of kept features", done, images.Count),
            warning => Console.Error.WriteLine($"moco: warning: {warning}"), cancellation);
        if (foundIn is not null)
        {
            Console.WriteLine($"features of {images.Description} were kept: {foundIn}");
        }

        return features;

        FeatureSet Extract() => FeatureExtractor.Extract(
            Encoder, images, view, layer, Config.Loader, Device, normalize: false,
            done => progress.Show("features of images", done, images.Count), progress.Show, group, cancellation);
    }

    /// <inheritdoc/>
    public void Dispose() => _trained.Dispose();
}
