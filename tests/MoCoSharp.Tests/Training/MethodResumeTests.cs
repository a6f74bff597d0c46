using System.Security.Cryptography;
using MoCoSharp.Data.Datasets;
using MoCoSharp.Data.Loading;
using MoCoSharp.Data.Views;
using MoCoSharp.Distributed;
using MoCoSharp.Encoders;
using MoCoSharp.Methods;
using MoCoSharp.Models;
using MoCoSharp.Optimization;
using MoCoSharp.PyTorch;
using MoCoSharp.Runs;
using MoCoSharp.Training;
using static TorchSharp.torch;

namespace MoCoSharp.Tests.Training;

/// <summary>Whole small runs of what MoCo is compared with: stopped, resumed, opened.</summary>
public sealed class MethodResumeTests : IDisposable
{
    private static readonly RunConfig Config = new()
    {
        Epochs = 2,
        BatchSize = 8,
        BnGroups = 2,
        Threads = 1,
        LogEvery = 2,
        Precision = PrecisionChoice.Fp32,
        Encoder = new EncoderOptions { Depth = 18, Width = 4, Stem = EncoderStem.Small, Head = EncoderHead.MlpBn },
        Views = new ViewOptions { Recipe = ViewRecipe.SimClrCifar, Size = 32 },
        Optimizer = new OptimizerOptions { LearningRate = 0.05, ScheduleUnit = ScheduleUnit.Step, WarmupEpochs = 0.5 },
        Loader = new LoaderOptions { Workers = 1 },
        Health = new HealthOptions { EverySteps = 2, ProbeEverySteps = 4 },
    };

    private static readonly Dictionary<string, RunConfig> Configs = new(StringComparer.Ordinal)
    {
        ["simClr"] = Config.With(new SimClrOptions { Dimension = 8 }) with
        {
            Optimizer = Config.Optimizer with
            {
                Kind = OptimizerKind.Lars,
                LearningRate = 0.3,
                LearningRateScaling = LearningRateScaling.Linear,
            },
        },
        ["cached"] = Config.With(new SimClrOptions { Dimension = 8, GradientCache = true }),
        ["endToEnd"] = Config.With(new EndToEndOptions { Dimension = 8 }),
        ["bank"] = Config.With(new MemoryBankOptions { Dimension = 8, Negatives = 10 }),
        ["nce"] = Config.With(new MemoryBankOptions { Dimension = 8, Negatives = 10, Loss = MemoryBankLoss.Nce }),
        ["supervised"] = Config.With(new SupervisedOptions { Classes = 10 }),
    };

    private readonly string folder = Directory.CreateTempSubdirectory("mocosharp").FullName;

    [Theory]
    [InlineData("simClr")]
    [InlineData("cached")]
    [InlineData("endToEnd")]
    [InlineData("bank")]
    [InlineData("nce")]
    [InlineData("supervised")]
    public void AStoppedAndResumedRun_EndsInTheSameBits_AndIsOpened(string name)
    {
        var config = Configs[name];
        var whole = Train("whole", config, null, resume: false);
        Train("parts", config, 2, resume: false);
        Assert.Equal(whole, Train("parts", config, null, resume: true));

        using var trained = TrainedEncoder.Load(Path.Combine(folder, "whole"));
        using var file = SafeTensors.Read(RunFolder.Open(Path.Combine(folder, "whole")).Checkpoints()[0]);
        using var expected = file.Tensors[config.Method.EncoderPrefix + "conv1.weight"].alias();
        Assert.True(trained.Encoder.state_dict()["conv1.weight"].eq(expected).all().item<bool>());
        if (config.Method.KeyEncoderPrefix is null)
        {
            Assert.Contains(
                "has one encoder",
                Assert
                    .Throws<InvalidDataException>(() =>
                        TrainedEncoder.Load(Path.Combine(folder, "whole"), EncoderRole.Key))
                    .Message);
        }

        Assert.Null(OfficialCheckpoint.Find(Path.Combine(folder, "whole")));
    }

    [Fact]
    public void ACheckpointOfAnotherMethod_IsRefused()
    {
        Train("a", Configs["simClr"], 2, resume: false);
        File.WriteAllText(Path.Combine(folder, "a", "config.json"), RunConfigFile.Write(Configs["bank"]));

        var error = Assert.Throws<OtherRunException>(() => Train("a", Configs["bank"], null, resume: true));

        Assert.Contains("memoryBank", error.Message);
        Assert.Contains("bank.features", error.Message);
    }

    [Fact]
    public void TheWeightsOfAnotherMethod_MayBeginATraining()
    {
        Train("a", Configs["simClr"], 2, resume: false);
        using var method = Configs["endToEnd"].CreateMethod(24, SingleProcess.Instance);

        WeightsImport.Begin(Path.Combine(folder, "a"), method, Configs["endToEnd"].Encoder);

        using var trained = TrainedEncoder.Load(Path.Combine(folder, "a"));
        Assert.True(
            method
                .Encoder.state_dict()["layer4.1.conv2.weight"]
                .eq(trained.Encoder.state_dict()["layer4.1.conv2.weight"])
                .all()
                .item<bool>());
        Assert.True(
            method
                .KeyEncoder!.state_dict()["conv1.weight"]
                .eq(trained.Encoder.state_dict()["conv1.weight"])
                .all()
                .item<bool>());
    }

    public void Dispose() => Directory.Delete(folder, recursive: true);

    private string Train(string name, RunConfig config, long? steps, bool resume)
    {
        set_num_threads(1);
        var path = Path.Combine(folder, name);
        var run = resume ? RunFolder.Open(path) : RunFolder.Create(path, config);
        var data = new Patterns(24, 40, seed: 3);
        using var method = config.CreateMethod(data.Count, SingleProcess.Instance);
        using var training = new Pretraining(method, config, SingleProcess.Instance, TimeProvider.System, new Silent());
        if (resume)
        {
            training.Resume(run, new ResumeCheck(DataIdentity.From(data)));
        }

        using var views = ViewLoader.Open(
            data, config.TrainingViews(), config.Loader, config.Seed, config.BatchSize,
            views: config.Method.ViewsPerImage);
        training.Run(views, run, knn: null, steps, default);
        return Convert.ToHexString(SHA256.HashData(File.ReadAllBytes(run.Checkpoints()[0])));
    }

    private sealed class Silent : IPretrainObserver;
}
