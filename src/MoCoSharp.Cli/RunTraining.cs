using System.Globalization;
using MoCoSharp.Cli.Progress;
using MoCoSharp.Cli.Watching;
using MoCoSharp.Data;
using MoCoSharp.Data.Loading;
using MoCoSharp.Distributed;
using MoCoSharp.Distributed.Nccl;
using MoCoSharp.Methods;
using MoCoSharp.Runs;
using MoCoSharp.Training;
using static TorchSharp.torch;

namespace MoCoSharp.Cli;

/// <summary>Trains in a run folder and prints what happens, for moco pretrain and moco study.</summary>
internal static class RunTraining
{
    /// <summary>Trains in a new folder. Removes the folder if training fails before the first step.</summary>
    public static int Begin(
        PretrainPlan plan, RunFolder run, long? steps, StopSignals signals, IProcessGroup group,
        WatchRequest? watch = null)
    {
        try
        {
            using var hold = group.Rank == 0 ? run.Hold(note => Console.Error.WriteLine($"moco: note: {note}")) : null;
            return Train(plan, run, resumes: false, withChanges: false, steps, signals, group, watch);
        }
        catch (Exception error) when (group.Rank == 0 && error is not DivergedException)
        {
            run.RemoveUnbegun();
            throw;
        }
    }

    /// <summary>Trains in a locked folder.</summary>
    /// <param name="plan">The plan.</param>
    /// <param name="run">The run folder.</param>
    /// <param name="resumes">Whether to resume from the newest checkpoint.</param>
    /// <param name="withChanges">Whether a resume accepts another recipe or other images.</param>
    /// <param name="steps">Total number of steps after which to end; null is all epochs.</param>
    /// <param name="signals">Requests to stop.</param>
    /// <param name="group">The processes that train together. Every process must call this.</param>
    /// <param name="watch">How to watch the run; null is not at all.</param>
    public static int Train(
        PretrainPlan plan, RunFolder run, bool resumes, bool withChanges, long? steps, StopSignals signals,
        IProcessGroup group, WatchRequest? watch = null)
    {
        var config = plan.Config;
        Processes.Guard(run);
        Console.WriteLine($"{run.Path}: {plan.Describe()}{RankAgreement.Describe(group)}");
        LostMachine.Warn(group);
        if (resumes && group.Rank == 0)
        {
            OtherEnvironment.Warn(run, config.Device);
        }

        // Before the work, so that a port in use is told at once.
        using var session = watch is not null && group.Rank == 0
            ? WatchSession.Start(run, watch, plan.TotalSteps)
            : null;
        TorchRuntime.Load();
        set_num_threads(config.Threads);
        group = RankAgreement.OnDevices(group, config.Device);
        var code = TrainWith(plan, run, resumes, withChanges, steps, signals, group);
        (group as NcclGroup)?.Dispose(); // not after an error: it would wait for the other processes
        return code;
    }

    private static int TrainWith(
        PretrainPlan plan, RunFolder run, bool resumes, bool withChanges, long? steps, StopSignals signals,
        IProcessGroup group)
    {
        var config = plan.Config;
        using var method = config.CreateMethod(plan.Train.Count, group);
        var progress = new ConsoleProgress(config.Epochs, TimeProvider.System)
        {
            StartedFrom = StartedFrom(config, run),
        };
        plan = plan.Telling(progress.Warned);
        using var views = ViewLoader.Open(
            plan.Train, config.TrainingViews(), plan.Config.Loader, config.Seed, config.BatchSize, group.Rank,
            group.Size, config.Method.ViewsPerImage);
        var warnings = new BadImageWarnings(progress.Warned);
        views.BadImageFound += bad =>
            warnings.Tell(
                bad,
                bad.MayPass ? "Another image replaces it this time." : "Another image replaces it.");
        using var training = new Pretraining(method, config, group, TimeProvider.System, progress);
        signals.OnSave(training.RequestSave);
        if (group.Rank == 0)
        {
            // One process reads weights and checkpoints, and sends them to the others.
            Prepare(plan, run, resumes, withChanges, method, training, progress);
        }

        var end = training.Run(views, run, plan.Validation, steps, signals.Token);
        if (training.LeftOut is { Length: > 0 } leftOut)
        {
            Console.WriteLine(leftOut);
        }

        if (training.SavePauses.Count > 0)
        {
            var pauses = training.SavePauses.Order().ToList();
            Console.WriteLine(
                string.Create(
                    CultureInfo.InvariantCulture,
                    $"{pauses.Count} {(pauses.Count == 1 ? "save" : "saves")}; training paused for " +
                    $"{pauses[pauses.Count / 2] * 1000:F0} ms each (median), {pauses[^1] * 1000:F0} at most"));
        }

        Console.WriteLine(end switch
        {
            RunEnd.Finished =>
                $"done: {training.StepsDone} steps. Look at {run.ViewsPath}; {NextSteps.After(plan, run)}",
            RunEnd.StepLimit =>
                $"ended after the requested {training.StepsDone} steps. `moco pretrain --resume --run " +
                $"{Shell.Quote(run.Path)}` continues.",
            _ =>
                $"stopped after {training.StepsDone} steps, saved. `moco pretrain --resume --run " +
                $"{Shell.Quote(run.Path)}` continues.",
        });
        return end == RunEnd.Stopped ? ExitCode.Stopped : ExitCode.Done;
    }

    // Weights and state before the next step.
    private static void Prepare(
        PretrainPlan plan, RunFolder run, bool resumes, bool withChanges, PretrainMethod method, Pretraining training,
        ConsoleProgress progress)
    {
        var isUnbegun = !resumes || run.Checkpoints().Count == 0;
        if (resumes)
        {
            foreach (var change in training.Resume(run, plan.Train, withChanges))
            {
                Console.WriteLine($"changed: {change}");
            }

            Console.WriteLine(
                "resumed after step " +
                $"{training.StepsDone}{(isUnbegun ? ": there is no checkpoint yet, so training starts again" : "")}");
        }

        if (!isUnbegun)
        {
            return;
        }

        if (plan.Begin(run, method) is { } weights)
        {
            Console.WriteLine(weights);
        }
    }

    // Describes the encoder before the first step.
    private static string StartedFrom(RunConfig config, RunFolder run) =>
        config.InitialWeights is { } weights ? $"before training, from {weights}"
        : File.Exists(run.ImportPath) ? "before training, as imported"
        : "untrained";
}
