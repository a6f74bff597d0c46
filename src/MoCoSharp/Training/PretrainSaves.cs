using MoCoSharp.Distributed;
using MoCoSharp.Runs;

namespace MoCoSharp.Training;

/// <summary>The saves of pre-training. Reports of the <see cref="Saver"/> go to the observer.</summary>
internal static class PretrainSaves
{
    private const int TriesOnceStopped = 3;

    /// <summary>A saver that reports to an observer, and flushes the metrics before each checkpoint.</summary>
    public static Saver Create(
        RunFolder run, CheckpointOptions options, RunLog log, IProcessGroup group, TimeProvider time,
        IPretrainObserver observer)
    {
        var callbacks = new SaveCallbacks
        {
            Saved = observer.Saved,
            Failed = failure => observer.Warned($"{failure.Path} was not saved: {failure.Error.Message} " +
                $"The run continues and will try again; the newest checkpoint is {failure.Newest}."),
            BeforeWrite = log.Flush,
        };
        return new Saver(run, options, callbacks, time, log.Knn.Select(item => (item.Key, item.Value)))
        {
            IsMain = group.Rank == 0,
        };
    }

    /// <summary>Saves the last state. Waits for room on the disk until a user stops the run.</summary>
    /// <exception cref="IOException">The state could not be saved.</exception>
    /// <exception cref="DivergedException">The state holds a NaN or an infinity.</exception>
    public static void Finish(Saver saver, StateSource state, CancellationToken stop)
    {
        if (saver.Finish(state, TriesOnceStopped, stop) is { Error: var error } failure)
        {
            throw error is DivergedException ? error : new IOException(
                $"The state after step {failure.Step} could not be saved: {error.Message} " +
                $"The newest checkpoint is {failure.Newest}.", error);
        }
    }
}
