using MoCoSharp.Data.Datasets;
using MoCoSharp.Data.Views;
using MoCoSharp.Distributed;
using MoCoSharp.Encoders;
using MoCoSharp.Features;
using MoCoSharp.Methods;
using MoCoSharp.Models;
using MoCoSharp.Optimization;
using MoCoSharp.PyTorch;
using MoCoSharp.Runs;
using MoCoSharp.Tests.Export;
using TorchSharp;
using static TorchSharp.torch;

namespace MoCoSharp.Tests.Encoders;

/// <summary>Encoders out of runs, checkpoints and files of their own.</summary>
public sealed class TrainedEncoderTests : IDisposable
{
    private static readonly RunConfig Config = new()
    {
        Encoder = new EncoderOptions { Depth = 18, Width = 4, Stem = EncoderStem.Small },
        MoCo = new MoCoOptions { Dimension = 8, QueueSize = 16 },
        Views = new ViewOptions { Size = 32, Recipe = ViewRecipe.CifarDemo },
        BnGroups = 1,
        Threads = 1,
    };

    private readonly string folder = Directory.CreateTempSubdirectory("moco").FullName;

    [Theory]
    [InlineData(EncoderRole.Query)]
    [InlineData(EncoderRole.Key)]
    public void ARun_GivesEitherEncoder_OfItsNewestCheckpoint(EncoderRole role)
    {
        var run = RunFolder.Create(Path.Combine(folder, "first"), Config);
        using var method = MoCo.Create(Config.Encoder, Config.MoCo!, 1, seed: 3, SingleProcess.Instance);
        using var optimizer = new Sgd(method.LearnedParameters, 0.9, 0);
        TrainingState.Save(run.CheckpointPath(1), new TrainingProgress { Step = 1 }, method, optimizer, Config);
        using (no_grad())
        {
            method.Encoder.parameters().First().add_(1);
            method.KeyEncoder.parameters().First().add_(2);
        }

        TrainingState.Save(run.CheckpointPath(2), new TrainingProgress { Step = 2 }, method, optimizer, Config);

        using var trained = TrainedEncoder.Load(run.Path + Path.DirectorySeparatorChar, role);

        AssertEqual(role == EncoderRole.Query ? method.Encoder : method.KeyEncoder, trained.Encoder);
        Assert.Equal(("first", 2, role, 32), (trained.Source, trained.Step, trained.Role, trained.Views.Size));
        Assert.False(trained.Encoder.training);

        using var older = TrainedEncoder.Load(run.CheckpointPath(1), role);
        Assert.Equal(("step-00000001.safetensors", 1), (older.Source, older.Step));
    }

    [Fact]
    public void AnEncoderTrainedOnSmallViews_IsForImagesOfTheEvaluationSize()
    {
        var config = Config with { Views = Config.Views with { Size = 16, EvaluationSize = 32 } };
        using var trained = Trained.New(config.Encoder, outputSize: 8) with { Run = config, Views = config.Views };

        Assert.Equal(32, trained.Views.Size);
        Assert.Equal("32", trained.Describe(withHead: false)["size"]);
        var path = Path.Combine(folder, "small-views.safetensors");
        EncoderFile.Write(path, trained, withHead: false);
        using var read = TrainedEncoder.Load(path);
        Assert.Equal(32, read.Views.Size);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void WithSize_PreparesImagesAsThoughTheRunEvaluatedAtThatSize(bool hasRun)
    {
        var config = Config with { Views = Config.Views with { Size = 16, EvaluationSize = 32 } };
        var other = config with { Views = config.Views with { EvaluationSize = 24 } };
        using var trained = Trained.New(config.Encoder, outputSize: 8) with
        {
            Run = hasRun ? config : null, Views = config.Views,
        };
        var expected = trained with { Run = hasRun ? other : null, Views = other.Views };

        var found = trained.WithSize(24);

        Assert.Equal((24, expected.Run), (found.Views.Size, found.Run));
        var images = new Patterns(count: 3, size: 40, seed: 1);
        using var features = found.Extract(images);
        using var features24 = expected.Extract(images);
        using var features32 = trained.Extract(images);
        Assert.True(features.Values.equal(features24.Values).all().item<bool>());
        Assert.False(features.Values.equal(features32.Values).all().item<bool>());
        Assert.Throws<ArgumentOutOfRangeException>(() => trained.WithSize(0));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void AnEncoderFile_GivesBackWhatWentIn(bool withHead)
    {
        var path = Path.Combine(folder, "encoder.safetensors");
        using var trained = Trained.New(Config.Encoder, outputSize: 8, role: EncoderRole.Key) with
        {
            Run = Config,
            Views = Config.Views,
        };

        EncoderFile.Write(path, trained, withHead);
        using var read = TrainedEncoder.Load(path, EncoderRole.Key);

        AssertEqual(trained.Encoder, read.Encoder, withHead ? "" : "fc.");
        Assert.Equal(withHead ? EncoderHead.Mlp : EncoderHead.None, read.Encoder.Options.Head);
        Assert.Equal(withHead ? 8 : 32, read.Encoder.OutputSize);
        Assert.Equal(
            (trained.Views, trained.Step, trained.Role, trained.Source),
            (read.Views, read.Step, read.Role, read.Source));

        using var file = SafeTensors.Read(path);
        Assert.Equal(withHead, file.Tensors.ContainsKey("fc.2.weight"));
        Assert.Equal(
            ("pt", "32", "0.4914,0.4822,0.4465"),
            (file.Metadata["format"], file.Metadata["size"], file.Metadata["mean"]));

        var error = Assert.Throws<InvalidDataException>(() => TrainedEncoder.Load(path));
        Assert.Contains("holds the key encoder, but the query encoder", error.Message);
    }

    [Fact]
    public void SettingsOfKnn_TravelWithTheFile()
    {
        var path = Path.Combine(folder, "encoder.safetensors");
        var knn = new KnnOptions { Neighbors = 7, Temperature = 0.03, Layer = FeatureLayer.Head };
        using var trained = Trained.New(Config.Encoder, outputSize: 8) with
        {
            Knn = knn,
            Precision = PrecisionChoice.Fp32,
        };

        EncoderFile.Write(path, trained, withHead: true);
        using var read = TrainedEncoder.Load(path);
        EncoderFile.Write(path, read, withHead: true); // and onwards
        using var again = TrainedEncoder.Load(path);

        Assert.Equal((knn, PrecisionChoice.Fp32), (again.Knn, again.Precision));
    }

    [Fact]
    public void WeightsThatAreNotFinite_AreRefused_OfRunsAndOfFiles()
    {
        var run = RunFolder.Create(Path.Combine(folder, "nan"), Config);
        using var method = MoCo.Create(Config.Encoder, Config.MoCo!, 1, seed: 3, SingleProcess.Instance);
        using var optimizer = new Sgd(method.LearnedParameters, 0.9, 0);
        using (no_grad())
        {
            method.Encoder.state_dict()["layer4.1.bn2.bias"].fill_(MoCoSharp.Kernels.Scalars.Held(float.NaN));
        }

        TrainingState.Save(run.CheckpointPath(1), new TrainingProgress { Step = 1 }, method, optimizer, Config);
        var message = Assert.Throws<InvalidDataException>(() => TrainedEncoder.Load(run.Path)).Message;
        Assert.Contains("NaN or infinite values in encoder_q.layer4.1.bn2.bias (32 of 32 values)", message);
        Assert.Contains(
            "encoder_q.layer4.1.bn2.bias",
            Assert
                .Throws<InvalidDataException>(() => TrainingState.Load(run.CheckpointPath(1), method, optimizer))
                .Message);
        using var key = TrainedEncoder.Load(run.Path, EncoderRole.Key); // the other one is whole

        var path = Path.Combine(folder, "nan.safetensors");
        using (var trained = Trained.New(Config.Encoder) with { Run = Config, Views = Config.Views })
        {
            trained
                .Encoder.state_dict()["bn1.running_mean"]
                .fill_(MoCoSharp.Kernels.Scalars.Held(float.NegativeInfinity));
            EncoderFile.Write(path, trained, withHead: false);
        }

        Assert.Contains(
            "bn1.running_mean",
            Assert.Throws<InvalidDataException>(() => TrainedEncoder.Load(path)).Message);
    }

    [Fact]
    public void AFolderOfWeights_ThatIsNoRun_IsToldSo()
    {
        Directory.CreateDirectory(Path.Combine(folder, "hub"));
        File.WriteAllText(Path.Combine(folder, "hub", "config.json"), "{\"architectures\": [\"ResNetModel\"]}");
        File.WriteAllText(Path.Combine(folder, "hub", "model.safetensors"), "");

        Assert.Contains(
            "is no run folder, and holds weights: name one of its files, "
                + Path.Combine(folder, "hub", "model.safetensors"),
            Assert.Throws<InvalidDataException>(() => TrainedEncoder.Load(Path.Combine(folder, "hub"))).Message);
    }

    [Fact]
    public void AnEncoderWithoutAHead_EmbedsAsItsFeatures_AndIsNotPretrained()
    {
        using var scope = NewDisposeScope();
        using var trained = Trained.New(Config.Encoder with { Head = EncoderHead.None });
        var images = rand(2, 3, 32, 32);

        Assert.True(trained.Encoder.Features(images).eq(trained.Encoder.call(images)).all().item<bool>());
        Assert.Contains("encoder.head", Assert.Throws<ArgumentException>(() =>
            MoCo.Create(
                Config.Encoder with
                {
                    Head = EncoderHead.None,
                },
                Config.MoCo!, 1, 0, SingleProcess.Instance))
        .Message);
    }

    [Fact]
    public void WhatHoldsNoEncoder_IsRefusedByName()
    {
        var path = Path.Combine(folder, "other.safetensors");
        using (var stream = File.Create(path))
        {
            SafeTensors.Write(stream, [], new Dictionary<string, string> { ["format"] = "x" });
        }

        Assert.StartsWith(path, Assert.Throws<InvalidDataException>(() => TrainedEncoder.Load(path)).Message);
        Assert.Contains(
            "no checkpoint yet",
            Assert
                .Throws<InvalidDataException>(() =>
                    TrainedEncoder.Load(RunFolder.Create(Path.Combine(folder, "new"), Config).Path))
                .Message);
        Assert.Throws<FileNotFoundException>(() => TrainedEncoder.Load(Path.Combine(folder, "nowhere")));
    }

    public void Dispose() => Directory.Delete(folder, recursive: true);

    private static void AssertEqual(Encoder expected, Encoder actual, string except = "!")
    {
        var found = actual.state_dict();
        Assert.All(expected.state_dict().Where(item => except == "" || !item.Key.StartsWith(except)), item =>
            Assert.True(item.Value.eq(found[item.Key]).all().item<bool>(), item.Key));
    }
}
