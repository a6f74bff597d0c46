namespace MoCoSharp.Runs;

/// <summary>When a save is due: every so many steps, every so many minutes, or after a save that failed.</summary>
/// <param name="options">The steps and the minutes.</param>
/// <param name="time">The clock. It decides when a file is written, never what the file holds.</param>
internal sealed class SaveSchedule(CheckpointOptions options, TimeProvider time)
{
    private long _lastBegin = time.GetTimestamp();
    private TimeSpan _retryAfter = TimeSpan.Zero; // zero: the last save succeeded

    /// <summary>Whether to save now.</summary>
    /// <param name="step">Steps done.</param>
    public bool IsDue(long step)
    {
        var elapsed = time.GetElapsedTime(_lastBegin);
        return (options.EverySteps > 0 && step % options.EverySteps == 0)
            || (options.EveryMinutes > 0 && elapsed.TotalMinutes >= options.EveryMinutes)
            || (_retryAfter > TimeSpan.Zero && elapsed >= _retryAfter);
    }

    /// <summary>Records that a save begins.</summary>
    public void Begin() => _lastBegin = time.GetTimestamp();

    /// <summary>Records how the save ended. After a failure a save is due as <see cref="Backoff"/> says.</summary>
    public void End(bool isSaved) => _retryAfter = isSaved ? TimeSpan.Zero : Backoff.Next(_retryAfter);
}
