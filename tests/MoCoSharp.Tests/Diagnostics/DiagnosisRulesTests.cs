using MoCoSharp.Data.Datasets;
using MoCoSharp.Data.Images;
using MoCoSharp.Data.Loading;
using MoCoSharp.Data.Views;
using MoCoSharp.Diagnostics;
using MoCoSharp.Distributed;
using MoCoSharp.Methods;
using MoCoSharp.Models;
using MoCoSharp.Optimization;
using MoCoSharp.Runs;
using MoCoSharp.Training;
using static TorchSharp.torch;

namespace MoCoSharp.Tests.Diagnostics;

/// <summary>Each diagnosis by a run that really goes wrong in that way, and none by one that has only begun.</summary>
public sealed class DiagnosisRulesTests : IDisposable
{
    private static readonly RunConfig Small = new()
    {
        Epochs = 1000,
        BatchSize = 16,
        BnGroups = 4,
        Threads = 1,
        LogEvery = 10,
        Precision = PrecisionChoice.Fp32,
        Encoder = new EncoderOptions { Depth = 18, Width = 16, Stem = EncoderStem.Small, Head = EncoderHead.Mlp },
        Views = new ViewOptions { Recipe = ViewRecipe.CifarDemo, Size = 32, CropScaleMin = 0.2 },
        MoCo = new MoCoOptions { Dimension = 32, QueueSize = 64, Momentum = 0.99 },
        Optimizer = new OptimizerOptions { LearningRate = 0.03, Schedule = LearningRateSchedule.Constant },
        Loader = new LoaderOptions { Workers = 1 },
        Health = new HealthOptions { EverySteps = 10, ProbeEverySteps = 20 },
        Checkpoints = new CheckpointOptions { EveryEpochs = 1000 },
    };

    private static readonly RunConfig Larger = Small with
    {
        BatchSize = 64,
        BnGroups = 8,
        MoCo = new MoCoOptions { Dimension = 128, QueueSize = 512, Momentum = 0.99 },
        Optimizer = new OptimizerOptions
        {
            LearningRate = 0.12,
            WeightDecay = 5e-4,
            Schedule = LearningRateSchedule.Constant,
            WarmupSteps = 20,
        },
    };

    private readonly string folder = Directory.CreateTempSubdirectory("mocosharp").FullName;

    [Theory]
    [InlineData("beginning", "", 60)] // features are drawn together at first in sound runs too: too early to say
    [InlineData("temperature", "temperature", 30)]
    [InlineData("queue", "queue", 30)]
    [InlineData("shuffle", "shuffle", 20)]
    [InlineData("rate", "learningRate", 10)]
    [InlineData("constant", "collapsed", 120)]
    [InlineData("momentum", "collapsed", 50)]
    public void ABadRun_IsToldItsFault(string run, string expected, int steps)
    {
        var patterns = new Patterns(160, 40, seed: 3);
        var (config, data) = run switch
        {
            "temperature" => (
                Small with
                {
                    MoCo = Small.MoCo! with { Temperature = 0.0002 },
                    Optimizer = Small.Optimizer with { LearningRate = 1e-4 },
                },
                patterns),
            "queue" => (Small, new Patterns(32, 40, seed: 3)),
            "shuffle" => (Small with { BnGroups = 1 }, patterns),
            "rate" => (Small with { Optimizer = Small.Optimizer with { LearningRate = 100 } }, patterns),
            "constant" => (Small with { MoCo = Small.MoCo! with { QueueSize = 32 } }, new OneImage(160)),
            "momentum" => (Small with { MoCo = Small.MoCo! with { Momentum = 0 } }, patterns),
            _ => (Larger, (IImageDataset)new Patterns(1000, 40, seed: 1)),
        };

        var told = Train(run, config, data, steps);

        Assert.Equal(expected, string.Join(' ', told.Select(diagnosis => diagnosis.Id)));
        Assert.Equal(run == "momentum", told.Any(diagnosis => diagnosis.Cure.Contains("moco.momentum")));
    }

    public void Dispose() => Directory.Delete(folder, recursive: true);

    private List<Diagnosis> Train(string name, RunConfig config, IImageDataset data, int steps)
    {
        set_num_threads(1);
        var run = RunFolder.Create(Path.Combine(folder, name), config);
        using var method = MoCo.Create(
            config.Encoder, config.MoCo!, config.BnGroups, config.Seed, SingleProcess.Instance);
        var observer = new Recorder();
        using var training = new Pretraining(method, config, SingleProcess.Instance, TimeProvider.System, observer);
        using var views = ViewLoader.Open(
            data, ViewRecipes.Train(config.Views), config.Loader, config.Seed, config.BatchSize);
        training.Run(views, run, knn: null, steps, default);
        // The same from the folder alone, as moco doctor does.
        var lines = MetricsLog.Read(run.MetricsPath).Select(HealthLine.From).OfType<HealthLine>().ToList();
        Assert.All(
            DiagnosisRules.Apply(config, data.Count, lines),
            diagnosis => Assert.Contains(observer.Diagnoses, told => told.Id == diagnosis.Id));
        return observer.Diagnoses;
    }

    // The same grey picture under every name.
    private sealed class OneImage(int count) : IImageDataset
    {
        public int Count => count;

        public IReadOnlyList<string> ClassNames => [];

        public string Description => "one image";

        public LabeledImage Read(int index)
        {
            var pixels = new byte[40 * 40 * 3];
            Array.Fill(pixels, (byte)128);
            return new(new ImageBuffer(40, 40, pixels), -1);
        }

        public int LabelOf(int index) => -1;

        public string NameOf(int index) => $"{index}";
    }

    private sealed class Recorder : IPretrainObserver
    {
        public List<Diagnosis> Diagnoses { get; } = [];

        public void Judged(Diagnosis diagnosis) => Diagnoses.Add(diagnosis);
    }
}
