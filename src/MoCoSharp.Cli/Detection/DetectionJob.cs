using MoCoSharp.Cli.Progress;
using MoCoSharp.Detection.Transfer;
using MoCoSharp.Models;
using MoCoSharp.Runs;
using static TorchSharp.torch;

namespace MoCoSharp.Cli.Detection;

/// <summary>Runs a detection from its plan or its newest checkpoint to its result.</summary>
internal static class DetectionJob
{
    // A failed start removes the folder.
    private static DetectionTransfer Open(DetectionPlan plan, RunFolder run, bool isResumed, DetectionProgress progress)
    {
        try
        {
            return new DetectionTransfer(plan.Config, plan.Train, plan.Encoder?.Encoder, progress, TimeProvider.System);
        }
        catch when (!isResumed)
        {
            run.RemoveUnbegun();
            throw;
        }
    }

    /// <summary>Trains, and evaluates after the last step.</summary>
    /// <param name="plan">The plan.</param>
    /// <param name="run">The run folder, locked by the caller.</param>
    /// <param name="isResumed">Whether to resume from the newest checkpoint.</param>
    /// <param name="stepLimit">Total number of steps after which to end; null is all.</param>
    /// <param name="draw">Images to draw; 0 is none.</param>
    /// <param name="signals">Requests to stop.</param>
    /// <param name="progress">Receives progress.</param>
    /// <returns>How it ended, and its result; null before the last step.</returns>
    public static (RunEnd End, DetectionResult? Result) Run(
        DetectionPlan plan, RunFolder run, bool isResumed, long? stepLimit, int draw, StopSignals signals,
        DetectionProgress progress)
    {
        TorchRuntime.Load();
        set_num_threads(plan.Config.Threads);
        using var transfer = Open(plan, run, isResumed, progress);
        signals.OnSave(transfer.RequestSave);
        if (isResumed)
        {
            OtherEnvironment.Warn(run, plan.Config.Device);
            transfer.Resume(run);
            Console.WriteLine($"resumed after step {transfer.StepsDone}");
        }

        var end = transfer.Run(run, stepLimit, signals.Token);
        if (end != RunEnd.Finished)
        {
            return (end, null);
        }

        try
        {
            var result = transfer.Judge(run, plan.Judged, draw, signals.Token);
            if (result.Pictures is { } pictures)
            {
                Console.WriteLine(pictures);
            }

            return (end, result);
        }
        catch (OperationCanceledException) when (signals.Token.IsCancellationRequested)
        {
            return (RunEnd.Stopped, null);
        }
    }
}
