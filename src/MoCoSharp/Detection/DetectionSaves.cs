using MoCoSharp.Training;
using MoCoSharp.Training.Saving;

namespace MoCoSharp.Detection;

/// <summary>When a detection saves, and what stays on the disk; a save that fails is told, and tried again at the next occasion.</summary>
internal sealed class DetectionSaves(RunFolder run, DetectionCheckpointOptions options, TimeProvider time, IDetectionObserver observer)
{
    private readonly SaveClock _clock = new(new CheckpointOptions { EverySteps = options.EverySteps, EveryMinutes = options.EveryMinutes }, time);

    /// <summary>Whether to save after so many steps.</summary>
    public bool IsDue(long step, bool requested) => requested || _clock.IsDue(step);

    /// <summary>Saves, and removes what is too old.</summary>
    /// <param name="save">Gives the path.</param>
    public void Try(Func<string> save)
    {
        _clock.Begun();
        try
        {
            observer.Saved(save());
            _clock.Ended(saved: true);
            Clear();
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            _clock.Ended(saved: false);
            observer.Warned($"{run.Path}: the state was not saved: {error.Message} The run goes on and tries again; the newest checkpoint is {(run.Checkpoints() is [var newest, ..] ? newest : "none")}.");
        }
    }

    /// <summary>Removes all but the newest.</summary>
    public void Clear()
    {
        foreach (var old in run.Checkpoints().Skip(options.Keep))
        {
            File.Delete(old);
        }
    }
}
