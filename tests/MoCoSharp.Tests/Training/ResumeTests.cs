using MoCoSharp.Data.Datasets;
using MoCoSharp.Data.Loading;
using MoCoSharp.Distributed;
using MoCoSharp.Models;
using MoCoSharp.Optimization;
using MoCoSharp.Runs;
using MoCoSharp.Training;
using static TorchSharp.torch;

namespace MoCoSharp.Tests.Training;

/// <summary>What a run saves, and how it goes on from there.</summary>
public sealed class ResumeTests : SmallRunTests
{
    [Theory]
    [InlineData(1, PrecisionChoice.Fp32)]
    [InlineData(2, PrecisionChoice.Bf16)]
    [InlineData(3, PrecisionChoice.Fp32)]
    [InlineData(4, PrecisionChoice.Bf16)]
    [InlineData(5, PrecisionChoice.Fp32)]
    [InlineData(6, PrecisionChoice.Bf16)]
    [InlineData(7, PrecisionChoice.Fp32)]
    [InlineData(8, PrecisionChoice.Bf16)]
    [InlineData(9, PrecisionChoice.Fp32)]
    public void AStoppedAndResumedRun_EndsInTheSameBits(int stopAfter, PrecisionChoice precision)
    {
        var config = Config with { Precision = precision };
        var whole = Train("whole", config, null);
        Train("parts", config, stopAfter);

        Assert.Equal(whole, Train("parts", config, null, resume: true, workers: 2));
        Assert.Equal(Metrics("whole"), Metrics("parts"));
        Assert.Equal(4, Metrics("parts").Count(line => line.Contains("knn")));
    }

    [Fact]
    public void TheLastCheckpoint_KnowsTheBestOfAllEvaluations_TheLastToo()
    {
        var lastWasBest = 0;
        const int few = 4, many = 30; // which seeds have their best at the end depends on the processor's rounding
        for (long seed = 1; seed <= few || (seed <= many && lastWasBest == 0); seed++)
        {
            var name = $"seed{seed}";
            Train(
                name,
                Config with
                {
                    Seed = seed,
                    Checkpoints = new CheckpointOptions { EverySteps = 1, EveryMinutes = 0 },
                },
                null);
            var best = Metrics(name)
                .Select(line => System.Text.Json.Nodes.JsonNode.Parse(line)!)
                .Where(line => line["knn"] is not null)
                .MaxBy(line => (double)line["knn"]!)!; // the first of equals

            var metadata = MoCoSharp
                .PyTorch.SafeTensors.ReadHeader(RunFolder.Open(Path.Combine(folder, name)).Checkpoints()[0])
                .Metadata;
            Assert.Equal(
                (double)best["knn"]!,
                double.Parse(metadata["bestKnn"], System.Globalization.CultureInfo.InvariantCulture));
            Assert.Equal($"{best["step"]}", metadata["bestKnn.step"]);
            lastWasBest += (long)best["step"]! == 9 ? 1 : 0;
        }

        Assert.True(lastWasBest > 0, "no seed has its best at the end: nothing was tested");
    }

    [Fact]
    public void SavesInTheMiddle_ChangeNoBit()
    {
        var config = Config with { LogEvery = 5 };
        var often = config with
        {
            Checkpoints = new CheckpointOptions
            {
                EverySteps = 1,
                EveryMinutes = 0,
                Keep = 100,
            },
        };
        Train("seldom", config, null);
        Train("often", often, null);

        // A save that is due while another is being written comes a step later; the end is always there.
        var run = RunFolder.Open(Path.Combine(folder, "often"));
        var steps = run.Checkpoints().Select(RunFolder.StepOf).ToList();
        Assert.Equal(9, steps[0]);
        Assert.True(steps.Count > 3);
        Assert.Equal(
            Tensors(RunFolder.Open(Path.Combine(folder, "seldom")).Checkpoints()[0]),
            Tensors(run.Checkpoints()[0]));

        // From any of them, the same end: meters and best results too, as they are in the file.
        var end = File.ReadAllBytes(run.Checkpoints()[0]);
        foreach (var step in steps.Skip(1))
        {
            foreach (var later in run.Checkpoints().Where(path => RunFolder.StepOf(path) > step))
            {
                File.Delete(later);
            }

            Train("often", often, null, resume: true);
            Assert.Equal(end, File.ReadAllBytes(run.Checkpoints()[0]));
        }
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
    public void ABrokenNewestCheckpoint_IsPutAside_AndTheRunEndsInTheSameBits()
    {
        var whole = Train("sound", Config, null);
        Train("broken", Config, 6);
        var newest = RunFolder.Open(Path.Combine(folder, "broken")).Checkpoints()[0];
        var bytes = File.ReadAllBytes(newest);
        bytes[^5] ^= 0x10;
        File.WriteAllBytes(newest, bytes);

        Assert.Equal(whole, Train("broken", Config, null, resume: true));
        Assert.True(File.Exists(newest + ".broken"));
    }

    [Fact]
    public void AFlippedBit_IsAlwaysNoticed()
    {
        Train("flips", Config, 3);
        var path = RunFolder.Open(Path.Combine(folder, "flips")).Checkpoints()[0];
        var whole = File.ReadAllBytes(path);
        using var method = New(Config);
        using var optimizer = new Sgd(method.LearnedParameters, 0.9, 0);
        var random = new Random(7);
        for (var i = 0; i < 200; i++)
        {
            // Half of them in the header, which is a small part of a large file.
            var offset = i % 2 == 0 ? random.Next(whole.Length) : random.Next(20_000);
            var bit = (byte)(1 << random.Next(8));
            whole[offset] ^= bit;
            File.WriteAllBytes(path, whole);
            whole[offset] ^= bit;
            Assert.Contains(
                path,
                Assert.Throws<InvalidDataException>(() => TrainingState.Load(path, method, optimizer)).Message);
        }

        File.WriteAllBytes(path, whole);
        Assert.Equal(3, TrainingState.Load(path, method, optimizer).Step);
    }

    [Fact]
    public void AnotherRecipeAndOtherImages_AreRefused_WithEveryDifference()
    {
        Train("first", Config, 4);
        var run = RunFolder.Open(Path.Combine(folder, "first"));
        var other = Config with
        {
            Seed = 5,
            Optimizer = Config.Optimizer with { LearningRate = 0.01 },
            LogEvery = 7,
            Loader = new LoaderOptions { Workers = 3 },
        };
        var images = DataIdentity.From(new Patterns(40, 40, seed: 3));

        var error = Assert.Throws<OtherRunException>(() => Resume(other, images, allow: false));

        Assert.All(
            [
                "seed: checkpoint 0, run 5", "optimizer.learningRate: checkpoint 0.05, run 0.01",
                "24 images of patterns", "run 40 of patterns", "--resume-with-changes",
            ],
            part => Assert.Contains(part, error.Message));
        Assert.All(["logEvery", "loader", "temperature"], part => Assert.DoesNotContain(part, error.Message));

        // Accepted, it is on record, and from then on the run is the changed one.
        var accepted = Resume(other, images, allow: true);
        Assert.Equal(3, accepted.Count);
        Assert.Equal(0.01, run.ReadConfig().Optimizer.LearningRate);
        var line = System.Text.Json.Nodes.JsonNode.Parse(File.ReadAllText(run.ChangesPath))!;
        Assert.Equal(4, (long)line["step"]!);
        Assert.Equal(accepted, line["changes"]!.AsArray().Select(item => (string)item!));
        Assert.Empty(Resume(other, images, allow: false));
        Assert.Throws<OtherRunException>(() => Resume(Config, images, allow: false));

        // Another architecture is refused in any case, and the tensors are named.
        var wide = other with { Encoder = other.Encoder with { Width = 8 } };
        Assert.Contains(
            "encoder_q.conv1.weight: file [4, 3, 3, 3], model [8, 3, 3, 3]",
            Assert.Throws<OtherRunException>(() => Resume(wide, images, allow: true)).Message);

        IReadOnlyList<string> Resume(RunConfig config, DataIdentity data, bool allow)
        {
            using var method = New(config);
            using var training = new Pretraining(
                method, config, SingleProcess.Instance, TimeProvider.System,
                new Recorder());
            return training.Resume(run, new ResumeCheck(data, allow));
        }
    }

    [Fact]
    public void AChangedBatch_GoesOnAtTheSameShareOfTheEpoch()
    {
        Train("batches", Config, 4);
        var larger = Config with { BatchSize = 12 };
        Train("batches", larger, null, resume: true, allow: true);

        // 1 of 3 batches of the second epoch is 0 of 2: 4 steps of two epochs are left.
        var run = RunFolder.Open(Path.Combine(folder, "batches"));
        Assert.Equal(8, RunFolder.StepOf(run.Checkpoints()[0]));
        var last = MetricsLog.Read(run.MetricsPath).Last(line => line.ContainsKey("loss"));
        Assert.Equal((8, 3), ((int)last["step"]!, (int)last["epoch"]!));
    }

    [Fact]
    public void ASave_HoldsWhatItsMomentHeld_WhileTrainingGoesOn()
    {
        // The same moment saved by the loop, behind its back, and by a run that ends there.
        var often = Config with { Checkpoints = new CheckpointOptions { EverySteps = 5, Keep = 100 } };
        Train("on", often, null);
        Train("until", often, 5);

        Assert.Equal(
            File.ReadAllBytes(RunFolder.Open(Path.Combine(folder, "until")).CheckpointPath(5)),
            File.ReadAllBytes(RunFolder.Open(Path.Combine(folder, "on")).CheckpointPath(5)));
    }

    [Fact]
    public void ARequest_SavesAndTheRunGoesOn()
    {
        var config = Config with { Checkpoints = new CheckpointOptions { EveryEpochs = 100 } };
        var run = RunFolder.Create(Path.Combine(folder, "asked"), config);
        using var method = New(config);
        Pretraining? training = null;
        using var started = training = new Pretraining(
            method, config, SingleProcess.Instance, TimeProvider.System, new Recorder
            {
                OnStep = step =>
                {
                    if (step == 4)
                    {
                        training!.RequestSave();
                    }
                },
            });
        using var views = Views(config);

        Assert.Equal(RunEnd.Finished, training.Run(views, run, knn: null, null, default));

        Assert.Equal([9, 4], run.Checkpoints().Select(RunFolder.StepOf));
    }

    [Fact]
    public void ACheckpointOfAnotherArchitecture_IsRefused_NamingTheTensors()
    {
        Train("narrow", Config, 2);
        var other = Config with { Encoder = Config.Encoder with { Stem = EncoderStem.ImageNet } };
        using var method = New(other);
        using var training = new Pretraining(
            method, other, SingleProcess.Instance, TimeProvider.System,
            new Recorder());

        var error = Assert.Throws<OtherRunException>(() =>
            training.Resume(RunFolder.Open(Path.Combine(folder, "narrow"))));

        Assert.Contains("encoder_q.conv1.weight: file [4, 3, 3, 3], model [4, 3, 7, 7]", error.Message);
    }

    // As where memory runs out: by then the key encoder has moved, and a save of that would move it twice.
    [Fact]
    public void AnErrorInTheMiddleOfAStep_SavesNoHalfDoneState()
    {
        Train("undisturbed", Config, null);
        var run = RunFolder.Create(Path.Combine(folder, "failed"), Config);
        using (var method = New(Config))
        {
            var orders = method.KeyOrders;
            method.KeyOrders = (step, half, count) =>
                step == 4 ? throw new InvalidOperationException("out of memory") : orders(step, half, count);
            using var training = new Pretraining(
                method, Config, SingleProcess.Instance, TimeProvider.System,
                new Recorder());
            using var views = Views(Config);
            Assert.Throws<InvalidOperationException>(() => training.Run(views, run, knn: null, null, default));
        }

        Assert.EndsWith("step-00000003.safetensors", run.Checkpoints()[0]);
        Train("failed", Config, null, resume: true);
        Assert.Equal(
            Tensors(RunFolder.Open(Path.Combine(folder, "undisturbed")).Checkpoints()[0]),
            Tensors(run.Checkpoints()[0]));
    }
}
