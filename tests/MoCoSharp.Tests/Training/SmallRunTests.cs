using MoCoSharp.Data.Datasets;
using MoCoSharp.Data.Loading;
using MoCoSharp.Data.Views;
using MoCoSharp.Distributed;
using MoCoSharp.Features;
using MoCoSharp.Methods;
using MoCoSharp.Models;
using MoCoSharp.Optimization;
using MoCoSharp.Runs;
using MoCoSharp.Training;
using static TorchSharp.torch;

namespace MoCoSharp.Tests.Training;

/// <summary>Small runs on the built-in images, in a folder of their own.</summary>
public abstract class SmallRunTests : IDisposable
{
    private protected static readonly RunConfig Config = new()
    {
        Epochs = 3,
        BatchSize = 8,
        BnGroups = 2,
        Threads = 1,
        LogEvery = 2,
        Encoder = new EncoderOptions { Depth = 18, Width = 4, Stem = EncoderStem.Small, Head = EncoderHead.Mlp },
        Views = new ViewOptions { Recipe = ViewRecipe.CifarDemo, Size = 32 },
        MoCo = new MoCoOptions { Dimension = 8, QueueSize = 20, Momentum = 0.9 },
        Optimizer = new OptimizerOptions { LearningRate = 0.05, ScheduleUnit = ScheduleUnit.Step },
        Knn = new KnnOptions { Neighbors = 5 },
        Loader = new LoaderOptions { Workers = 1 },
        Health = new HealthOptions { EverySteps = 2, ProbeEverySteps = 4 },
    };

    private protected readonly string folder = Directory.CreateTempSubdirectory("mocosharp").FullName;

    public void Dispose()
    {
        Directory.Delete(folder, recursive: true);
        GC.SuppressFinalize(this);
    }

    private protected string Train(
        string name, RunConfig config, long? steps, bool resume = false,
        int workers = 1,
        bool allow = false)
    {
        set_num_threads(1);
        var path = Path.Combine(folder, name);
        var run = resume ? RunFolder.Open(path) : RunFolder.Create(path, config);
        config = config with { Loader = config.Loader with { Workers = workers } };
        using var method = New(config);
        using var training = new Pretraining(
            method, config, SingleProcess.Instance, TimeProvider.System,
            new Recorder());
        var data = new Patterns(24, 40, seed: 3);
        if (resume)
        {
            training.Resume(run, new ResumeCheck(DataIdentity.From(data), allow));
        }

        using var views = Views(config);
        var knn = new KnnMonitor(
            data, new Patterns(10, 40, seed: 4), ViewRecipes.Evaluation(config.Views), config.Knn, config.Loader, CPU);
        training.Run(views, run, knn, steps, default);
        return Bits(method)
            + Convert.ToHexString(
                System.Security.Cryptography.SHA256.HashData(File.ReadAllBytes(run.Checkpoints()[0])));
    }

    // What a log says, but for the time that things took.
    private protected List<string> Metrics(string name) =>
        [
            .. MetricsLog
                .Read(Path.Combine(folder, name, "metrics.jsonl"))
                .Select(line =>
    {
        line.Remove("imagesPerSecond");
        line.Remove("waitShare");
        line.Remove("healthShare");
        line.Remove("seconds");
        return line.ToJsonString();
    })];

    private protected static List<string> Tensors(string checkpoint)
    {
        using var file = MoCoSharp.PyTorch.SafeTensors.Read(checkpoint);
        return
        [
            .. file.Tensors.Select(item =>
                item.Key + Convert.ToHexString(System.Security.Cryptography.SHA256.HashData(item.Value.bytes))),
        ];
    }

    private protected static ViewLoader Views(RunConfig config) =>
        ViewLoader.Open(
            new Patterns(24, 40, seed: 3), ViewRecipes.Train(config.Views), config.Loader, config.Seed,
            config.BatchSize);

    private protected static MoCo New(RunConfig config) =>
        MoCo.Create(config.Encoder, config.MoCo!, config.BnGroups, config.Seed, SingleProcess.Instance);

    private protected static string Bits(MoCo method) =>
        string.Concat(
            method
                .state_dict()
                .Select(item =>
                    Convert.ToHexString(
                        System.Security.Cryptography.SHA256.HashData(item.Value.cpu().contiguous().bytes))));

    private protected sealed class Recorder : IPretrainObserver
    {
        public List<string> Warnings { get; } = [];

        public Action<long>? OnStep { get; init; }

        public void Stepped(long step, long totalSteps) => OnStep?.Invoke(step);

        public void Warned(string message) => Warnings.Add(message);
    }
}
