using MoCoSharp.Data.Datasets;
using MoCoSharp.Data.Views;
using MoCoSharp.Diagnostics;
using MoCoSharp.Distributed;
using MoCoSharp.Features;
using MoCoSharp.Models;
using MoCoSharp.Optimization;
using MoCoSharp.Runs;
using MoCoSharp.Training;
using static TorchSharp.torch;

namespace MoCoSharp.Tests.Training;

/// <summary>Whole small runs on the built-in images: what they give, and how they end.</summary>
public sealed class PretrainingTests : SmallRunTests
{
    [Fact]
    public void TheSameSeed_GivesTheSameBits_WithOneAndWithFourWorkers()
    {
        var first = Train("a", Config, 9);
        Assert.Equal(first, Train("b", Config, 9));
        Assert.Equal(first, Train("c", Config, 9, workers: 4));
        Assert.NotEqual(first, Train("d", Config with { Seed = 1 }, 9));
    }

    [Fact]
    public void ASecondRunInTheFolder_IsRefused()
    {
        var run = RunFolder.Create(Path.Combine(folder, "held"), Config);
        using var hold = run.Hold(_ => { });
        using var method = New(Config);
        using var training = new Pretraining(
            method, Config, SingleProcess.Instance, TimeProvider.System,
            new Recorder());
        using var views = Views(Config);

        var error = Assert.Throws<RunLockedException>(() =>
            training.Run(views, RunFolder.Open(run.Path), knn: null, 1, default));

        Assert.Contains($"process {Environment.ProcessId} on {Environment.MachineName}", error.Message);
        Assert.Equal(RunEnd.StepLimit, training.Run(views, run, knn: null, 1, default)); // whoever holds it may
    }

    [Fact]
    public void AStop_SavesAndEnds()
    {
        using var stop = new CancellationTokenSource();
        var run = RunFolder.Create(Path.Combine(folder, "stopped"), Config);
        using var method = New(Config);
        using var training = new Pretraining(
            method, Config, SingleProcess.Instance, TimeProvider.System, new Recorder
            {
                OnStep = step =>
                {
                    if (step == 4)
                    {
                        stop.Cancel();
                    }
                },
            });
        using var views = Views(Config);

        Assert.Equal(RunEnd.Stopped, training.Run(views, run, knn: null, null, stop.Token));

        Assert.Equal(4, training.StepsDone);
        Assert.EndsWith("step-00000004.safetensors", run.Checkpoints()[0]);
    }

    [Fact]
    public void ALossThatIsNoNumber_EndsTheRun_AndSaysWhatIsKnown()
    {
        var wild = Config with
        {
            LogEvery = 50,
            Optimizer = new OptimizerOptions { LearningRate = 1e30, Schedule = LearningRateSchedule.Constant },
            Checkpoints = new CheckpointOptions { EverySteps = 1 },
        };
        var run = RunFolder.Create(Path.Combine(folder, "wild"), wild);
        using var method = New(wild);
        using var training = new Pretraining(method, wild, SingleProcess.Instance, TimeProvider.System, new Recorder());
        using var views = Views(wild);

        var error = Assert.Throws<DivergedException>(() => training.Run(views, run, knn: null, null, default));

        // The first step overflows the weights, the second meets them.
        Assert.All(
            [
                "Loss is NaN at step 2 (epoch 1)", "first bad tensor: encoder_q.", "Last finite loss", "at step 1",
                "the last good state is",
            ],
            part => Assert.Contains(part, error.Message));
        var told = System.Text.Json.Nodes.JsonNode.Parse(File.ReadAllText(run.DivergedPath))!;
        Assert.Equal(2, (long)told["step"]!);
        var batch = views.Epoch(0).ElementAt(1).Indices;
        Assert.Equal(
            batch.Select(index => $"patterns#{index}"),
            told["images"]!.AsArray().Select(name => (string)name!));

        // What is on the disk is good: the weights after step 1 were finite still, or were not kept.
        using var fresh = New(wild);
        using var resumed = new Pretraining(fresh, wild, SingleProcess.Instance, TimeProvider.System, new Recorder());
        resumed.Resume(run);
        Assert.DoesNotContain(
            fresh.state_dict().Values,
            tensor => tensor.is_floating_point() && !tensor.isfinite().all().item<bool>());
    }

    [Fact]
    public void LookingAfterItself_ChangesNoBit()
    {
        var never = Config with { Health = new HealthOptions { EverySteps = 0 } };
        var always = Config with { LogEvery = 1, Health = new HealthOptions { EverySteps = 1, ProbeEverySteps = 1 } };
        Train("never", never, null);
        Train("always", always, null);
        Assert.Equal(
            Tensors(RunFolder.Open(Path.Combine(folder, "never")).Checkpoints()[0]),
            Tensors(RunFolder.Open(Path.Combine(folder, "always")).Checkpoints()[0]));

        var figures = MetricsLog
            .Read(Path.Combine(folder, "always", "metrics.jsonl"))
            .Select(HealthLine.From)
            .OfType<HealthLine>()
            .ToList();
        Assert.Equal(9, figures.Count);
        Assert.All(figures, line => Assert.All(HealthFigure.All, figure => Assert.NotNull(figure.Value(line.Figures))));
        Assert.Equal([0, 0.4, 0.8, 1, 1], figures.Take(5).Select(line => line.Figures.QueueFill));
        Assert.Equal([0, 1, 2, 3, 3], figures.Take(5).Select(line => line.Figures.QueueAge));
        Assert.All(figures, line => Assert.InRange(line.Figures.KeyShift!.Value, 1e-4, 2));

        // The figures by another way: the loss of the first step, whose queue is random, is near the one expected of
        // it.
        Assert.Equal(figures[0].Figures.LossIfRandom!.Value, figures[0].Loss, 0.6);
        Assert.Equal(Math.Log(21), figures[0].Figures.ChanceLoss!.Value, 1e-4);
        Assert.Equal(figures[0].ContrastAccuracy, figures[0].Figures.ContrastShuffled!.Value, 1e-6);
        Assert.DoesNotContain(
            MetricsLog.Read(Path.Combine(folder, "never", "metrics.jsonl")),
            line => line.ContainsKey("health"));
    }

    [Fact]
    public void ARun_HoldsAsMuchAtStep500_AsAtStep50()
    {
        var config = Config with
        {
            Epochs = 167,
            LogEvery = 10,
            Checkpoints = new CheckpointOptions { EveryEpochs = 20, Keep = 2 },
        };
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

        training.Run(views, run, knn: null, 500, default);

        Assert.Equal(10, tensors.Count);
        // Never more; fewer when the kernels' memory of an earlier test's thread is freed.
        Assert.Equal(tensors.OrderDescending(), tensors);
        // a batch and its graph kept a step would be 150 MB and more
        Assert.InRange(memory[^1] - memory[0], long.MinValue, 24 << 20);
    }

    [Fact]
    public void Evaluation_ChangesNothingOfTheEncoder()
    {
        using var method = New(Config);
        var before = Bits(method);
        var data = new Patterns(20, 40, seed: 3);
        var view = ViewRecipes.Evaluation(Config.Views);

        new KnnMonitor(data, data, view, Config.Knn, Config.Loader, CPU).Measure(
            method.Encoder, null, SingleProcess.Instance, default);

        Assert.Equal(before, Bits(method));
        Assert.True(method.Encoder.training);
    }
}
