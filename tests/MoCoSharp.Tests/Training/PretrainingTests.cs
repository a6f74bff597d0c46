using MoCoSharp.Data.Datasets;
using MoCoSharp.Data.Loading;
using MoCoSharp.Data.Views;
using MoCoSharp.Distributed;
using MoCoSharp.Features;
using MoCoSharp.Methods;
using MoCoSharp.Models;
using MoCoSharp.Training;
using static TorchSharp.torch;

namespace MoCoSharp.Tests.Training;

/// <summary>Whole small runs on the built-in images.</summary>
public sealed class PretrainingTests : IDisposable
{
    private static readonly RunConfig Config = new()
    {
        Epochs = 3,
        BatchSize = 8,
        BnGroups = 2,
        Threads = 1,
        LogEvery = 2,
        Encoder = new EncoderOptions { Depth = 18, Width = 4, Stem = "small", Head = "mlp" },
        Views = new ViewOptions { Recipe = "cifar-demo", Size = 32 },
        MoCo = new MoCoOptions { Dimension = 8, QueueSize = 20, Momentum = 0.9 },
        Optimizer = new OptimizerOptions { LearningRate = 0.05, Per = "step" },
        Knn = new KnnOptions { Neighbours = 5 },
        Loader = new LoaderOptions { Workers = 1 },
    };

    private readonly string folder = Directory.CreateTempSubdirectory("mocosharp").FullName;

    [Fact]
    public void TheSameSeed_GivesTheSameBits_WithOneAndWithFourWorkers()
    {
        var first = Train("a", Config, 9);
        Assert.Equal(first, Train("b", Config, 9));
        Assert.Equal(first, Train("c", Config, 9, workers: 4));
        Assert.NotEqual(first, Train("d", Config with { Seed = 1 }, 9));
    }

    [Theory]
    [InlineData(2, "bf16")]
    [InlineData(3, "fp32")]
    [InlineData(7, "bf16")]
    public void AStoppedAndResumedRun_EndsInTheSameBits(int stopAfter, string precision)
    {
        var config = Config with { Precision = precision };
        var whole = Train("whole", config, null);
        Train("parts", config, stopAfter);

        Assert.Equal(whole, Train("parts", config, null, resume: true, workers: 2));
        var steps = MetricsLog.Read(Path.Combine(folder, "parts", "metrics.jsonl")).Where(line => line.ContainsKey("knn")).Select(line => (long)line["step"]!);
        Assert.Equal([0, 3, 6, 9], steps);
    }

    [Fact]
    public void ATornCheckpoint_IsPassedOver_WithAWarning()
    {
        Train("torn", Config, 6);
        var run = RunFolder.Open(Path.Combine(folder, "torn"));
        var newest = run.Checkpoints()[0];
        File.WriteAllBytes(newest, File.ReadAllBytes(newest)[..1000]);
        var observer = new Recorder();
        using var method = New(Config);
        using var training = new Pretraining(method, Config, SingleProcess.Instance, TimeProvider.System, observer);

        training.Resume(run);

        Assert.Equal(3, training.StepsDone);
        Assert.Contains(Path.GetFileName(newest), Assert.Single(observer.Warnings));
    }

    [Fact]
    public void ACheckpointOfAnotherArchitecture_IsRefused_NamingTheTensors()
    {
        Train("narrow", Config, 2);
        var other = Config with { Encoder = Config.Encoder with { Stem = "imagenet" } };
        using var method = New(other);
        using var training = new Pretraining(method, other, SingleProcess.Instance, TimeProvider.System, new Recorder());

        var error = Assert.Throws<InvalidDataException>(() => training.Resume(RunFolder.Open(Path.Combine(folder, "narrow"))));

        Assert.Contains("encoder_q.conv1.weight: file [4, 3, 3, 3], model [4, 3, 7, 7]", error.Message);
    }

    [Fact]
    public void AStop_SavesAndEnds()
    {
        using var stop = new CancellationTokenSource();
        var run = RunFolder.Create(Path.Combine(folder, "stopped"), Config);
        using var method = New(Config);
        using var training = new Pretraining(method, Config, SingleProcess.Instance, TimeProvider.System, new Recorder { OnStep = step => { if (step == 4) { stop.Cancel(); } } });
        using var views = Views(Config);

        Assert.Equal(PretrainEnd.Stopped, training.Run(views, run, null, null, stop.Token));

        Assert.Equal(4, training.StepsDone);
        Assert.EndsWith("step-00000004.safetensors", run.Checkpoints()[0]);
    }

    [Fact]
    public void ALossThatIsNoNumber_EndsTheRun_AndNamesTheStep()
    {
        var wild = Config with { Optimizer = new OptimizerOptions { LearningRate = 1e30, Schedule = "constant" } };
        var run = RunFolder.Create(Path.Combine(folder, "wild"), wild);
        using var method = New(wild);
        using var training = new Pretraining(method, wild, SingleProcess.Instance, TimeProvider.System, new Recorder());
        using var views = Views(wild);

        Assert.Contains("at step", Assert.Throws<DivergedException>(() => training.Run(views, run, null, null, default)).Message);
    }

    [Fact]
    public void ARun_HoldsAsMuchAtStep500_AsAtStep50()
    {
        var config = Config with { Epochs = 167, LogEvery = 10, Checkpoints = new CheckpointOptions { EveryEpochs = 20, Keep = 2 } };
        var run = RunFolder.Create(Path.Combine(folder, "long"), config);
        var tensors = new List<long>();
        var memory = new List<long>();
        using var method = New(config);
        using var training = new Pretraining(method, config, SingleProcess.Instance, TimeProvider.System, new Recorder
        {
            OnStep = step =>
            {
                if (step >= 50 && step % 50 == 0)
                {
                    GC.Collect(); // garbage is no leak
                    GC.WaitForPendingFinalizers();
                    tensors.Add(TorchSharp.torch.Tensor.TotalCount);
                    memory.Add(Environment.WorkingSet);
                }
            },
        });
        using var views = Views(config);

        training.Run(views, run, null, 500, default);

        Assert.Equal(10, tensors.Count);
        Assert.Single(tensors.Distinct());
        Assert.InRange(memory[^1] - memory[0], long.MinValue, 24 << 20); // a batch and its graph kept a step would be 150 MB and more
    }

    [Fact]
    public void Evaluation_ChangesNothingOfTheEncoder()
    {
        using var method = New(Config);
        var before = Bits(method);
        var data = new Patterns(20, 40, seed: 3);
        var view = ViewRecipes.Evaluation(Config.Views);

        new KnnMonitor(data, data, view, Config.Knn, Config.Loader, CPU).Measure(method.Encoder, null, default);

        Assert.Equal(before, Bits(method));
        Assert.True(method.Encoder.training);
    }

    public void Dispose() => Directory.Delete(folder, recursive: true);

    private string Train(string name, RunConfig config, long? steps, bool resume = false, int workers = 1)
    {
        set_num_threads(1);
        var path = Path.Combine(folder, name);
        var run = resume ? RunFolder.Open(path) : RunFolder.Create(path, config);
        config = config with { Loader = config.Loader with { Workers = workers } };
        using var method = New(config);
        using var training = new Pretraining(method, config, SingleProcess.Instance, TimeProvider.System, new Recorder());
        if (resume)
        {
            training.Resume(run);
        }

        var data = new Patterns(24, 40, seed: 3);
        using var views = Views(config);
        var knn = new KnnMonitor(data, new Patterns(10, 40, seed: 4), ViewRecipes.Evaluation(config.Views), config.Knn, config.Loader, CPU);
        training.Run(views, run, knn, steps, default);
        return Bits(method) + Convert.ToHexString(System.Security.Cryptography.SHA256.HashData(File.ReadAllBytes(run.Checkpoints()[0])));
    }

    private static ViewLoader Views(RunConfig config) => ViewLoader.Open(new Patterns(24, 40, seed: 3), ViewRecipes.Train(config.Views), config.Loader, config.Seed, config.BatchSize);

    private static MoCo New(RunConfig config) => MoCo.Create(config.Encoder, config.MoCo, config.BnGroups, config.Seed, SingleProcess.Instance);

    private static string Bits(MoCo method) => string.Concat(method.state_dict().Select(item => Convert.ToHexString(System.Security.Cryptography.SHA256.HashData(item.Value.cpu().contiguous().bytes))));

    private sealed class Recorder : IPretrainObserver
    {
        public List<string> Warnings { get; } = [];

        public Action<long>? OnStep { get; init; }

        public void Stepped(long step, long totalSteps) => OnStep?.Invoke(step);

        public void Reported(StepReport report)
        {
        }

        public void Evaluating(int done, int total)
        {
        }

        public void Evaluated(KnnReport report)
        {
        }

        public void Saved(string path)
        {
        }

        public void Warned(string message) => Warnings.Add(message);
    }
}
