using System.CommandLine;
using MoCoSharp.Cli.CommandLine;
using MoCoSharp.Cli.Progress;
using MoCoSharp.Data;
using MoCoSharp.Data.Views;
using MoCoSharp.Distributed;
using MoCoSharp.Encoders;
using MoCoSharp.Evaluation;
using MoCoSharp.Features;
using MoCoSharp.Models;
using MoCoSharp.Runs;
using TorchSharp;
using static TorchSharp.torch;

namespace MoCoSharp.Cli;

/// <summary>An encoder that the user names as RUN or FILE, ready for evaluation.</summary>
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

    /// <summary>The path as given by the user.</summary>
    public string Target { get; }

    /// <summary>query or key.</summary>
    public string Which => _trained.Role.Name();

    public Encoder Encoder => _trained.Encoder;

    /// <summary>The encoder with its preparation and origin.</summary>
    public TrainedEncoder Trained => _trained;

    /// <summary>
    /// The configuration of the run that trained it. For a file without one: defaults, with the settings of the file.
    /// </summary>
    public RunConfig Config { get; }

    public long Step => _trained.Step;

    /// <summary>The run, or the file.</summary>
    public string Source => _trained.Source;

    /// <summary>The run that stores evaluations; null for a file.</summary>
    public RunFolder? Run { get; }

    public Device Device => torch.device(Config.Device);

    /// <summary>The images that the run was trained on; null for imported weights without images.</summary>
    public string? OwnData =>
        Run is null || Config.Data.Length == 0 || (File.Exists(Run.ImportPath) && Config.Data == new RunConfig().Data)
            ? null
            : Config.Data;

    /// <summary>Opens the newest checkpoint of a run, or a file. Reports all faults if options are invalid.</summary>
    /// <param name="choice">The encoder, and how to use it.</param>
    /// <param name="others">Faults of the other options.</param>
    /// <param name="group">The processes that share the work; null uses this process alone.</param>
    public static EncoderTarget Open(EncoderChoice choice, IEnumerable<string> others, IProcessGroup? group = null)
    {
        var (target, device) = (choice.Target, choice.Device);
        var faults = new List<string>();
        var role = EnumNames.Find<EncoderRole>(choice.Which);
        if (role is null)
        {
            faults.Add($"--encoder is {choice.Which}, expected query or key.");
        }

        if (!Path.Exists(target))
        {
            faults.Add($"{target}: there is no such run folder or file.{NearestWord.DidYouMeanPath(target)}");
        }

        if (choice.Size is { } side)
        {
            faults.AddRange(ViewRecipes.Faults(new ViewOptions { Size = side })
                .Select(fault => fault.Replace("views.size", "--size", StringComparison.Ordinal)));
        }

        if (device is not null && TorchRuntime.DeviceFault(device) is { } missing)
        {
            faults.Add($"--{missing}");
        }

        if (faults.Count > 0)
        {
            throw new ConfigurationException([.. faults, .. others]);
        }

        var trained = TrainedEncoder.Load(target, role!.Value, choice.Prefix);
        trained = choice.Size is { } size ? trained.WithSize(size) : trained;
        Note(target, trained);
        var config = trained.Run ?? new RunConfig
        {
            Encoder = trained.Encoder.Options,
            Views = trained.Views,
            Knn = trained.Knn ?? new KnnOptions(),
            Precision = trained.Precision,
        };
        config = config with { Device = OfProcess(device ?? Available(config.Device), group) };
        var processes = group?.Size ?? 1;
        set_num_threads(config.Threads > 0 && processes == 1 ? config.Threads : Launcher.TorchThreads(processes));
        trained.Encoder.to(torch.device(config.Device));
        config = config with
        {
            Loader = config.Loader with { Notice = text => Console.Error.WriteLine($"moco: warning: {text}") },
        };
        return new EncoderTarget(trained, config, Directory.Exists(target) ? RunFolder.Open(target) : null, target);
    }

    // A run that was trained on a GPU can be used on another machine.
    private static string Available(string name)
    {
        if (TorchRuntime.DeviceFault(name) is null)
        {
            return name;
        }

        var other = TorchRuntime.DeviceFault("cuda") is null ? "cuda" : "cpu";
        Console.Error.WriteLine(
            $"moco: note: the run was trained on {name}, which this machine does not have: {other} is used.");
        return other;
    }

    // "cuda" is the GPU of the process's number; more processes than GPUs share them.
    private static string OfProcess(string name, IProcessGroup? group) => group is { Size: > 1 } && name == "cuda"
        ? $"cuda:{group.LocalRank % TorchRuntime.Gpus.Count}"
        : name;

    /// <summary>The encoder, for every verb that uses one.</summary>
    public static Argument<string> Argument() => new("run")
    {
        Description = "A run folder, a checkpoint, an exported encoder, or a PyTorch file.",
    };

    /// <summary>--prefix, for every verb that reads weights.</summary>
    public static Option<string?> PrefixOption() => new("--prefix")
    {
        HelpName = "name",
        Description =
            "Choose one of several networks in a foreign file: the prefix of conv1.weight (teacher.backbone) or " +
            "the name of its dictionary (model_ema).",
    };

    /// <summary>Prints which parts of a foreign file are ignored.</summary>
    public static void Note(string target, TrainedEncoder trained)
    {
        foreach (var ignored in trained.Ignored)
        {
            Console.Error.WriteLine($"moco: note: {target}: ignored: {ignored}");
        }
    }

    /// <summary>Whether the kNN settings come from a run. Otherwise they are defaults.</summary>
    public bool HasKnnSettings => _trained.Knn is not null;

    /// <summary>Creates an evaluator of this encoder that prints its progress.</summary>
    /// <param name="data">The training and test images.</param>
    /// <param name="output">-o: the report file; null writes into the run folder.</param>
    /// <param name="group">The processes that share the work.</param>
    /// <param name="progress">Prints progress.</param>
    /// <param name="epochs">The number of epochs, for an evaluation that trains.</param>
    /// <param name="cure">A sentence that says what to do if training diverges.</param>
    /// <param name="keepsClassifier">Whether a trained classifier is written.</param>
    public Evaluator Evaluator(
        LabeledData data, string? output, IProcessGroup group, EvaluationProgress progress, int epochs = 0,
        string cure = "", bool keepsClassifier = true) =>
        new(_trained, data.Train, data.Test)
        {
            Loader = Config.Loader,
            Device = Device,
            Group = group,
            RunFolder = Run?.Path,
            ReportPath = output,
            KeepsClassifier = keepsClassifier,
            Progress = progress.Show,
            Noted = Console.WriteLine,
            EpochDone = epoch => EvaluationProgress.ShowEpoch(epoch, epochs),
            Diverging = trouble => Warn($"{trouble}. {cure}"),
            Warned = Warn,
            BadImageFound = progress.Show,
        };

    private static void Warn(string text) => Console.Error.WriteLine($"moco: warning: {text}");

    /// <inheritdoc/>
    public void Dispose() => _trained.Dispose();
}
