using MoCoSharp.Runs;

namespace MoCoSharp.Detection.Transfer;

/// <summary>The saves of a detection: what its <see cref="Saver"/> tells the observer.</summary>
internal static class DetectionSaves
{
    // Implementation note: a detection waits for each save, so that every save that is due has its file.

    /// <summary>A saver that reports to an observer, and flushes the metrics before each checkpoint.</summary>
    public static Saver Create(
        RunFolder run, DetectionCheckpointOptions options, MetricsLog metrics, TimeProvider time,
        IDetectionObserver observer) => new(run, options.ToCheckpointOptions(), new SaveCallbacks
        {
            Saved = observer.Saved,
            Failed = failure => Report(run, failure, observer),
            BeforeWrite = metrics.Flush,
        }, time);

    /// <summary>Saves the state in the middle of a run. A full disk is reported, and the run goes on.</summary>
    /// <exception cref="DivergedException">The state holds a NaN or an infinity.</exception>
    public static void Save(Saver saver, DetectionState state)
    {
        if (saver.Save(state) is { Error: DivergedException error })
        {
            throw WithAdvice(error);
        }
    }

    /// <summary>Saves the last state. Waits for room on the disk until a user stops the run.</summary>
    /// <exception cref="IOException">The state could not be saved.</exception>
    /// <exception cref="DivergedException">The state holds a NaN or an infinity.</exception>
    public static void Finish(Saver saver, RunFolder run, DetectionState state, CancellationToken stop)
    {
        if (saver.Finish(state, triesOnceStopped: 1, stop) is { Error: var error } failure)
        {
            throw error is DivergedException diverged ? WithAdvice(diverged) : new IOException(
                $"{run.Path}: the last state could not be saved: {error.Message} The newest checkpoint is " +
                $"{failure.Newest}; free some space, and --resume goes on from it.", error);
        }
    }

    private static void Report(RunFolder run, SaveFailure failure, IDetectionObserver observer)
    {
        if (failure.Error is DivergedException)
        {
            return; // ends the run
        }

        observer.Warned(failure.RetryAfter is { TotalSeconds: var seconds }
            ? $"{run.Path}: the last state was not saved: {failure.Error.Message} " +
                $"It is tried again in {seconds:F0} s; Ctrl-C ends without it. " +
                $"The newest checkpoint is {failure.Newest}."
            : $"{run.Path}: the state was not saved: {failure.Error.Message} The run goes on and tries again; " +
                $"the newest checkpoint is {failure.Newest}.");
    }

    private static DivergedException WithAdvice(DivergedException error) => new(
        $"{error.Message} Lower optimizer.learningRate (0.02 is for 16 images a step) or raise optimizer.warmupSteps.");
}
