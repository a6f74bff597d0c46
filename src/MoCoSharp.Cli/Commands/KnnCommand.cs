using System.CommandLine;
using System.Text.Json.Nodes;
using MoCoSharp.Distributed;
using MoCoSharp.Methods;
using MoCoSharp.Tensors;
using MoCoSharp.Training;
using static TorchSharp.torch;

namespace MoCoSharp.Cli.Commands;

/// <summary>moco knn: labels by nearest neighbours, for a run that is there.</summary>
internal static class KnnCommand
{
    public static Command Create()
    {
        var runPath = new Argument<string>("run") { Description = "A run folder." };
        var data = new Option<string?>("--data") { Description = "Labelled images to find neighbours in; without it the run's own." };
        var validation = new Option<string?>("--val") { Description = "Labelled images to judge by." };
        var neighbours = new Option<int?>("-k", "--neighbours") { Description = "Neighbours; without it the run's own choice." };
        var temperature = new Option<double?>("--temperature") { Description = "Of the weights exp(similarity / temperature)." };
        var layer = new Option<string?>("--layer") { Description = "pooled or head." };
        var verbose = new Option<bool>("--verbose") { Description = "Show stack traces." };
        var command = new Command("knn", "Judge a run's encoder by the labels of nearest neighbours.") { runPath, data, validation, neighbours, temperature, layer, verbose };
        command.SetAction(parsed => ExitCode.Of(parsed.GetValue(verbose), () => Run(
            RunFolder.Open(parsed.GetValue(runPath)!), parsed.GetValue(data), parsed.GetValue(validation),
            parsed.GetValue(neighbours), parsed.GetValue(temperature), parsed.GetValue(layer))));
        return command;
    }

    private static int Run(RunFolder run, string? data, string? validation, int? neighbours, double? temperature, string? layer)
    {
        var config = run.ReadConfig();
        config = config with
        {
            Data = data ?? config.Data,
            Validation = validation ?? (data is null ? config.Validation : null),
            Knn = config.Knn with
            {
                EveryEpochs = 1,
                Neighbours = neighbours ?? config.Knn.Neighbours,
                Temperature = temperature ?? config.Knn.Temperature,
                Layer = layer ?? config.Knn.Layer,
            },
        };
        var faults = config.Knn.Faults().ToList();
        var plan = Plan.Open(config, null, null, faults);
        if (plan is not null && neighbours > plan.Train.Count)
        {
            faults.Add($"-k is {neighbours}, and the bank has {plan.Train.Count} images: expected at most that.");
        }

        if (plan is null || faults.Count > 0)
        {
            throw new ConfigurationException(faults);
        }

        var monitor = plan.Monitor() ?? throw new ConfigurationException(
            ["kNN needs labelled images in --data (class folders) and in --val, or in folders train and val of the source."]);
        if (run.Checkpoints().Count == 0)
        {
            throw new InvalidDataException($"{run.Path}: has no checkpoint yet. Train first: moco pretrain --resume --run {run.Path}");
        }

        TorchRuntime.Load();
        set_num_threads(config.Threads);
        using var signals = new StopSignals();
        using var method = MoCo.Create(config.Encoder, config.MoCo, config.BnGroups, config.Seed, SingleProcess.Instance);
        var progress = new ConsoleProgress(config.Epochs) { ImagesPerStep = config.BatchSize };
        using var training = new Pretraining(method, config, SingleProcess.Instance, TimeProvider.System, progress);
        training.Resume(run);
        double accuracy, seconds;
        try
        {
            (accuracy, seconds) = monitor.Measure(method.Encoder, progress.Evaluating, signals.Token);
        }
        catch (OperationCanceledException)
        {
            return ExitCode.Stopped;
        }

        run.WriteEvaluation($"knn-step-{training.StepsDone:D8}", new JsonObject
        {
            ["evaluation"] = "knn",
            ["step"] = training.StepsDone,
            ["accuracy"] = accuracy,
            ["protocol"] = monitor.Protocol,
            ["neighbours"] = Math.Min(config.Knn.Neighbours, plan.Train.Count),
            ["temperature"] = config.Knn.Temperature,
            ["layer"] = config.Knn.Layer,
            ["encoder"] = "query",
            ["bank"] = plan.Train.Description,
            ["queries"] = plan.Validation!.Description,
            ["view"] = Data.Views.ViewRecipes.Evaluation(config.Views).Describe(),
        });
        progress.Line(FormattableString.Invariant($"step {training.StepsDone}  kNN {accuracy:P2} [{monitor.Protocol}] in {seconds:F1} s"));
        return ExitCode.Done;
    }
}
