using MoCoSharp.Detection.Datasets;
using MoCoSharp.Detection.Metrics;
using MoCoSharp.Detection.Model;
using MoCoSharp.Detection.Pictures;
using MoCoSharp.Detection.Transfer;
using MoCoSharp.Kernels;
using MoCoSharp.Models;
using MoCoSharp.Optimization;
using MoCoSharp.PyTorch;
using MoCoSharp.Runs;
using TorchSharp;
using static TorchSharp.torch;
using Encoder = MoCoSharp.Models.Encoder;

namespace MoCoSharp.Tests.Detection;

public sealed class DetectionTransferTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("moco-transfer-").FullName;
    private readonly MadeImages _images = new(train: 24, test: 8);

    public void Dispose()
    {
        Directory.Delete(_folder, recursive: true);
        _images.Dispose();
    }

    [Fact]
    public void ARun_ThatIsResumedTwice_EndsWithTheSameBits()
    {
        var whole = Train("whole", Tiny with { Steps = 5 }, null);
        Train("parts", Tiny with { Steps = 5 }, 2);
        Train("parts", Tiny with { Steps = 5 }, 3, resume: true);
        var parts = Train("parts", Tiny with { Steps = 5, Workers = 3 }, null, resume: true);

        Assert.Equal(File.ReadAllBytes(whole.Checkpoints()[0]), File.ReadAllBytes(parts.Checkpoints()[0]));
        Assert.Equal(Losses(whole), Losses(parts));
    }

    [Fact]
    public void Steps_TakenInGroups_AreThoseOfTheWholeBatch_WhereBatchNormSeesNoOther()
    {
        // Statistics depend on the group, so they are frozen here by comparing losses of the first step alone, over
        // images of one size.
        var config = Tiny with
        {
            Steps = 1,
            Views = new DetectionViewOptions
            {
                ShortSides = [48],
                TestShortSide = 48,
                LongestSide = 96,
            },
        };
        var whole = Losses(Train("whole", config, null)).Single();
        var groups = Losses(Train("groups", config with { GroupSize = 2 }, null)).Single();

        Assert.NotEqual(whole, groups); // BatchNorm sees two images and not four
        Assert.InRange(groups / whole, 0.8, 1.2); // and all else is the same
    }

    [Fact]
    public void AResume_WithOtherImages_OrAnotherConfiguration_IsRefused()
    {
        var run = Train("first", Tiny with { Steps = 2 }, 1);
        using var others = new MadeImages(train: 23, test: 1);

        var images = Assert.Throws<OtherRunException>(() => Resume(run, Tiny with { Steps = 2 }, others.Open().Train));
        var configuration = Assert.Throws<OtherRunException>(() =>
            Resume(run, Tiny with { Steps = 2, Seed = 5 }, _images.Open().Train));

        Assert.Contains("other images", images.Message);
        Assert.Contains("another configuration", configuration.Message);
    }

    [Fact]
    public void TheLastState_WaitsUntilThereIsRoomForIt_OrSomebodyAsksToStop()
    {
        using var stop = new CancellationTokenSource();
        var (kept, lost) = (Create("kept", Tiny), Create("lost", Tiny));
        var waited = new Silent { WhenWarned = () => Directory.Delete(InTheWay(kept)) };

        using (var transfer = new DetectionTransfer(Tiny, _images.Open().Train, null, waited, TimeProvider.System))
        {
            Directory.CreateDirectory(InTheWay(kept));
            transfer.Run(kept, 1, CancellationToken.None);
        }

        Assert.Equal([1], kept.Checkpoints().Select(RunFolder.StepOf));
        Assert.Contains("tried again in 1 s", Assert.Single(waited.Warnings));
        using (
            var transfer = new DetectionTransfer(
                Tiny, _images.Open().Train, null, new Silent { WhenWarned = stop.Cancel },
                TimeProvider.System))
        {
            Directory.CreateDirectory(InTheWay(lost));
            Assert.Contains(
                "free some space",
                Assert.Throws<IOException>(() => transfer.Run(lost, 1, stop.Token)).Message);
        }

        // A folder under the name that a save writes to first.
        static string InTheWay(RunFolder run) => run.CheckpointPath(1) + ".tmp";
    }

    [Fact]
    public void ASaveThatFailsOnTheWay_IsWarnedOf_AndTheRunGoesOn()
    {
        var config = Tiny with { Steps = 2, Checkpoints = new DetectionCheckpointOptions { EverySteps = 1 } };
        var run = Create("run", config);
        var observer = new Silent();
        Directory.CreateDirectory(run.CheckpointPath(1) + ".tmp");

        using (var transfer = new DetectionTransfer(config, _images.Open().Train, null, observer, TimeProvider.System))
        {
            Assert.Equal(RunEnd.Finished, transfer.Run(run, null, CancellationToken.None));
        }

        var warning = Assert.Single(observer.Warnings);
        Assert.StartsWith($"{run.Path}: the state was not saved: ", warning);
        Assert.EndsWith(" The run goes on and tries again; the newest checkpoint is none.", warning);
        Assert.Equal([2], run.Checkpoints().Select(RunFolder.StepOf));
    }

    [Fact]
    public void ABrokenCheckpoint_IsPutAside_AndTheOneBeforeIsTaken()
    {
        var run = Train(
            "run",
            Tiny with
            {
                Steps = 2,
                Checkpoints = new DetectionCheckpointOptions { EverySteps = 1, Keep = 2 },
            },
            null);
        var newest = run.Checkpoints()[0];
        var bytes = File.ReadAllBytes(newest);
        bytes[^5] ^= 1;
        File.WriteAllBytes(newest, bytes);
        var warnings = new Silent();

        using var transfer = new DetectionTransfer(
            Tiny with
            {
                Steps = 2,
            },
            _images.Open().Train, null, warnings, TimeProvider.System);
        transfer.Resume(run);

        Assert.Equal(1, transfer.StepsDone);
        Assert.Single(warnings.Warnings);
        Assert.True(File.Exists(newest + ".broken"));
    }

    [Fact]
    public void Keep_LeavesTheNewest() =>
        Assert.Equal(
            [4, 3],
            Train(
                    "run",
                    Tiny with
                    {
                        Steps = 4,
                        Checkpoints = new DetectionCheckpointOptions { EverySteps = 1, Keep = 2 },
                    },
                    null)
                .Checkpoints()
                .Select(RunFolder.StepOf));

    [Fact]
    public void ALossThatIsNoNumber_EndsTheRun_AndNoCheckpointHoldsOne()
    {
        var config = Tiny with
        {
            Steps = 40,
            Optimizer = new DetectionOptimizerOptions { LearningRate = 1e30, WarmupSteps = 0 },
            Checkpoints = new DetectionCheckpointOptions { EverySteps = 1 },
        };

        var error = Assert.Throws<DivergedException>(() => Train("run", config, null));

        Assert.Contains("optimizer.learningRate", error.Message);
        Assert.All(RunFolder.Open(Path.Combine(_folder, "run")).Checkpoints(), path =>
        {
            using var file = SafeTensors.Read(path);
            Assert.All(
                file.Tensors.Values.Where(tensor => tensor.is_floating_point()),
                tensor => Assert.True(tensor.isfinite().all().item<bool>()));
        });
    }

    [Fact]
    public void ADetector_BeginsWithAllOfAnEncoder_ButItsHead()
    {
        using var random = new Generator(3);
        var options = new EncoderOptions { Depth = 18, Width = 4, Head = EncoderHead.Mlp };
        using var encoder = new Encoder(options, 8, bnGroups: 1, random);
        using var detector = new FasterRcnn(options, new DetectorOptions(), 2, random);
        detector.Begin(encoder);

        var found = detector.state_dict();
        foreach (var (name, value) in encoder.state_dict().Where(item => !item.Key.StartsWith("fc.")))
        {
            Assert.True(
                found[(name.StartsWith("layer4.") ? "res5." : "backbone.") + name].equal(value).all().item<bool>(),
                name);
        }
    }

    [Fact]
    public void ABackbone_GivesTheEncodersFeatures()
    {
        // The encoder's own pooled features of one region that is the whole map: three stages, then the fourth without
        // the extra norm.
        using var random = new Generator(3);
        var options = new EncoderOptions { Depth = 50, Width = 4, Head = EncoderHead.None };
        using var encoder = new Encoder(options, 8, bnGroups: 1, random);
        using var backbone = new Backbone(options);
        using var stage = new RegionStage(options, extraNorm: false);
        foreach (var (name, tensor) in backbone.state_dict().Concat(stage.state_dict()))
        {
            using var noGrad = no_grad();
            tensor.copy_(encoder.state_dict()[name]);
        }

        encoder.eval();
        backbone.eval();
        stage.eval();
        var images = ChannelsLast.From(Golden.View(0, 0, ScalarType.Float32, 2, 3, 64, 96));

        Assert.InRange(Golden.Difference(stage.call(backbone.call(images)), encoder.Features(images)), 0, 1e-5);
        Assert.Equal([2, 4 * 4 * 4, 4, 6], backbone.call(images).shape);
    }

    [Theory]
    [InlineData(34)]
    [InlineData(101)]
    public void EveryDepth_HasLosses_AndAGradientForEveryWeight(int depth)
    {
        using var random = new Generator(3);
        using var scope = NewDisposeScope();
        using var detector = new FasterRcnn(
            new EncoderOptions
            {
                Depth = depth,
                Width = 2,
                Head = EncoderHead.None,
            },
            Tiny.Detector,
            2,
            random);
        var view = new DetectionView(
            64, 48, [new ObjectBox(5, 5, 40, 30, 1)],
            [.. Enumerable.Range(0, 64 * 48 * 3).Select(i => (i * 37 % 101 / 50f) - 1)]);
        detector.Losses(new DetectionBatch([view, view], [new(0, 0), new(1, 1)]), seed: 1, CPU).Total().backward();

        Assert.Equal(
            [],
            detector.named_parameters().Where(item => item.parameter.grad is null).Select(item => item.name));
    }

    [Fact]
    public void MeasuredStatistics_AreTheMeanOfWhatEachPassSaw()
    {
        using var scope = NewDisposeScope();
        using var norm = new SplitBatchNorm(1, 1);
        norm.train();
        float[][] passes = [[1, 3], [10, 20], [0, 4]];
        PreciseBatchNorm.Measure(
            norm,
            passes.Select(values => (Action)(() => norm.call(tensor(values).reshape(2, 1, 1, 1)))),
            CancellationToken.None);

        var statistics = norm.state_dict();
        Assert.Equal((2 + 15 + 2) / 3f, statistics["running_mean"].item<float>(), 1e-4f);
        Assert.Equal((2 + 50 + 8) / 3f, statistics["running_var"].item<float>(), 1e-3f); // unbiased
    }

    [Fact]
    public void ASmallDetector_LearnsToFindSquaresAndDiscs_AndIsDrawn()
    {
        var config = Tiny with
        {
            Steps = 120,
            BatchSize = 8,
            PreciseBnBatches = 8,
            Optimizer = new DetectionOptimizerOptions { LearningRate = 0.05, WarmupSteps = 10 },
        };
        var (train, judged) = _images.Open();
        using var transfer = new DetectionTransfer(config, train, null, new Silent(), TimeProvider.System);
        var run = Create("run", config);
        transfer.Run(run, null, CancellationToken.None);
        transfer.MeasureStatistics(CancellationToken.None);
        transfer.SaveDetector(run);
        var (found, looked) = transfer.Detect(judged, CancellationToken.None);
        var scores = DetectionMetrics.Compute(DetectionMetric.Voc07, judged, looked, found);

        // 0.9 and more when this was written; a detector that has learned nothing finds nothing
        Assert.True(scores.Ap50 > 0.5, $"AP50 {scores.Ap50}");

        // The file is the detector, and a resume that has it measures nothing again.
        using var again = new DetectionTransfer(config, train, null, new Silent(), TimeProvider.System);
        again.Resume(run);
        Assert.True(again.TryLoadDetector(run));
        Assert.Equal(found, again.Detect(judged, CancellationToken.None).Found);

        DetectionPictures.Write(Path.Combine(_folder, "pictures"), judged, looked, found, scores, 2);
        Assert.Equal(
            ["mistakes.png", "precision-recall.png", "test-000.png", "test-001.png"],
            Directory.GetFiles(Path.Combine(_folder, "pictures")).Select(Path.GetFileName).Order());
    }

    private static DetectionConfig Tiny { get; } = new()
    {
        Metric = DetectionMetric.Voc07, BatchSize = 4, Threads = 1, PreciseBnBatches = 2, LogEvery = 1,
        Encoder = new EncoderOptions { Depth = 18, Width = 8, Stem = EncoderStem.Small, Head = EncoderHead.None },
        Views = new DetectionViewOptions { ShortSides = [48, 56, 64], TestShortSide = 64, LongestSide = 96 },
        Optimizer = new DetectionOptimizerOptions { WarmupSteps = 2 },
        Detector = new DetectorOptions
        {
            AnchorSizes = [16, 24],
            Rpn = new RpnOptions { Samples = 32, TrainBefore = 200, TrainAfter = 50, TestBefore = 200, TestAfter = 50 },
            Roi = new RoiOptions { PoolSize = 4, Samples = 16 },
        },
    };

    private RunFolder Create(string name, DetectionConfig config) =>
        RunFolder.Create(Path.Combine(_folder, name), DetectionConfigFile.Write(config));

    private RunFolder Train(string name, DetectionConfig config, long? steps, bool resume = false)
    {
        var path = Path.Combine(_folder, name);
        var run = resume ? RunFolder.Open(path) : Create(name, config);
        using var transfer = new DetectionTransfer(
            config, _images.Open().Train, null, new Silent(), TimeProvider.System);
        if (resume)
        {
            transfer.Resume(run);
        }

        transfer.Run(run, steps, CancellationToken.None);
        return run;
    }

    private static void Resume(RunFolder run, DetectionConfig config, BoxedImages images)
    {
        using var transfer = new DetectionTransfer(config, images, null, new Silent(), TimeProvider.System);
        transfer.Resume(run);
    }

    private static double[] Losses(RunFolder run) =>
        [.. MetricsLog.Read(run.MetricsPath).Select(line => line["loss"]!.GetValue<double>())];

    private sealed class Silent : IDetectionObserver
    {
        public List<string> Warnings { get; } = [];

        public Action? WhenWarned { get; init; }

        public void Warned(string message)
        {
            lock (Warnings)
            {
                Warnings.Add(message);
            }

            WhenWarned?.Invoke();
        }
    }
}

public sealed class DetectionConfigTests
{
    [Fact]
    public void TheDefaults_AreTheProtocol_AndItsRates()
    {
        var config = new DetectionConfig { Metric = DetectionMetric.Voc07 };
        var optimizer = config.Optimizer;

        Assert.Equal([], config.Validate());
        Assert.Equal([], DetectionConfigFile.Deviations(config));
        Assert.Equal(0.02 * 1e-3, optimizer.LearningRateAt(0, 24_000), 1e-12);
        Assert.Equal(0.02 * ((1e-3 * 0.5) + 0.5), optimizer.LearningRateAt(50, 24_000), 1e-12);
        Assert.Equal(
            [0.02, 0.02, 0.002, 0.002, 0.0002],
            new long[] { 100, 17_999, 18_000, 21_999, 22_000 }.Select(step =>
                Math.Round(optimizer.LearningRateAt(step, 24_000), 12)));
        Assert.Equal(
            (480, 800, 11),
            (config.Views.ShortSides[0], config.Views.ShortSides[^1], config.Views.ShortSides.Count));
    }

    [Fact]
    public void Deviations_AreTold_AndSmallGroupsFirst()
    {
        var deviations = DetectionConfigFile.Deviations(
            new DetectionConfig
            {
                GroupSize = 2,
                Steps = 100,
                Detector = new DetectorOptions { Roi = new RoiOptions { ExtraNorm = false } },
            });

        Assert.Equal(
            [
                "BatchNorm sees 2 images at a time (protocol: 16, synchronised)",
                "steps 100 (protocol: 24000)",
                "detector.roi.extraNorm false (protocol: true)",
            ],
            deviations);
    }

    [Fact]
    public void FaultySettings_AreToldAllAtOnce()
    {
        var error = Assert.Throws<ConfigurationException>(() => DetectionConfigFile.Parse(
            "{}",
            "detection",
            [
                "batchSize=0", "steps=-1", "metric=best", "optimizer.milestones=[2]", "views.shortSides=[]",
                "detector.rpn.lowIou=0.9", "detector.roi.poolSize=0",
            ]));

        Assert.Equal(7, error.Faults.Count);
        Assert.Contains(
            "Did you mean batchSize?",
            Assert
                .Throws<ConfigurationException>(() => DetectionConfigFile.Parse("{}", "detection", ["batchsize=4"]))
                .Message);
    }

    [Fact]
    public void WhatIsWritten_IsReadAgain()
    {
        var path = Path.GetTempFileName();
        var config = new DetectionConfig { Data = "voc:somewhere", Seed = 3, Validation = "voc:there" };
        File.WriteAllText(path, DetectionConfigFile.Write(config));

        Assert.Equal(DetectionConfigFile.Write(config), DetectionConfigFile.Write(DetectionConfigFile.Load(path)));
        Assert.True(DetectionConfigFile.IsDetection(path));
        File.WriteAllText(path, RunConfigFile.Write(new RunConfig()));
        Assert.False(DetectionConfigFile.IsDetection(path));
        File.Delete(path);
    }
}
