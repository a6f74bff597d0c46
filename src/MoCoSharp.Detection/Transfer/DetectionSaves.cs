using MoCoSharp.Runs;

namespace MoCoSharp.Detection.Transfer;

/// <summary>When a detection saves, and what stays on the disk; a save that fails is told, and tried again at the next occasion.</summary>
internal sealed class DetectionSaves(RunFolder run, DetectionCheckpointOptions options, TimeProvider time, IDetectionObserver observer)
{
    private static readonly TimeSpan LongestWait = TimeSpan.FromMinutes(1);

    private readonly SaveSchedule _clock = new(new CheckpointOptions { EverySteps = options.EverySteps, EveryMinutes = options.EveryMinutes }, time);

    /// <summary>Whether to save after so many steps.</summary>
    public bool IsDue(long step, bool requested) => requested || _clock.IsDue(step);

    /// <summary>Saves, and removes what is too old.</summary>
    /// <param name="save">Gives the path.</param>
    public void Try(Func<string> save)
    {
        _clock.Begin();
        try
        {
            observer.Saved(save());
            _clock.End(isSaved: true);
            Clear();
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            _clock.End(isSaved: false);
            observer.Warned($"{run.Path}: the state was not saved: {error.Message} The run goes on and tries again; the newest checkpoint is {(run.Checkpoints() is [var newest, ..] ? newest : "none")}.");
        }
    }

    /// <summary>Saves the last state; as long as nobody asks to stop, waits until there is room for it.</summary>
    /// <param name="save">Gives the path.</param>
    /// <param name="stop">Ends the waiting.</param>
    /// <exception cref="IOException">It could not be saved, and somebody asked to stop.</exception>
    public void Last(Func<string> save, CancellationToken stop)
    {
        for (var wait = TimeSpan.FromSeconds(1); ; wait = wait * 2 < LongestWait ? wait * 2 : LongestWait)
        {
            try
            {
                observer.Saved(save());
                Clear();
                return;
            }
            catch (Exception error) when (error is IOException or UnauthorizedAccessException)
            {
                var newest = run.Checkpoints() is [var path, ..] ? path : "none";
                if (stop.IsCancellationRequested || error is DirectoryNotFoundException)
                {
                    throw new IOException($"{run.Path}: the last state could not be saved: {error.Message} The newest checkpoint is {newest}; free some space, and --resume goes on from it.", error);
                }

                observer.Warned($"{run.Path}: the last state was not saved: {error.Message} It is tried again in {wait.TotalSeconds:F0} s; Ctrl-C ends without it. The newest checkpoint is {newest}.");
                stop.WaitHandle.WaitOne(wait);
            }
        }
    }

    private void Clear()
    {
        foreach (var old in run.Checkpoints().Skip(options.Keep))
        {
            File.Delete(old);
        }
    }
}
