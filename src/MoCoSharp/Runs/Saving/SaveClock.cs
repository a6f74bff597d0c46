namespace MoCoSharp.Runs;

/// <summary>When a save is due between the ends of epochs: by steps, by minutes, on request, or again after one that failed.</summary>
/// <param name="options">Every how many steps and minutes.</param>
/// <param name="time">The clock. It decides when a file is written, and nothing that is in it.</param>
internal sealed class SaveClock(CheckpointOptions options, TimeProvider time)
{
    private static readonly TimeSpan LongestWait = TimeSpan.FromMinutes(1);

    private long _since = time.GetTimestamp();
    private TimeSpan _retryAfter = TimeSpan.Zero; // 0: nothing to retry

    /// <summary>Whether to save after so many steps.</summary>
    public bool IsDue(long step)
    {
        var elapsed = time.GetElapsedTime(_since);
        return (options.EverySteps > 0 && step % options.EverySteps == 0)
            || (options.EveryMinutes > 0 && elapsed.TotalMinutes >= options.EveryMinutes)
            || (_retryAfter > TimeSpan.Zero && elapsed >= _retryAfter);
    }

    /// <summary>A save begins.</summary>
    public void Begun() => _since = time.GetTimestamp();

    /// <summary>It ended: a failed one is tried again after a second, then two, four, at most sixty.</summary>
    public void Ended(bool saved) =>
        _retryAfter = saved ? TimeSpan.Zero : _retryAfter == TimeSpan.Zero ? TimeSpan.FromSeconds(1) : TimeSpan.FromTicks(Math.Min(2 * _retryAfter.Ticks, LongestWait.Ticks));
}
