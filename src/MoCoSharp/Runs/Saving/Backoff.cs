namespace MoCoSharp.Runs;

/// <summary>How long to wait before a failed save is tried again: 1, 2, 4, ... seconds, at most 60.</summary>
internal static class Backoff
{
    private static readonly TimeSpan Longest = TimeSpan.FromMinutes(1);

    /// <summary>The next wait.</summary>
    /// <param name="wait">The wait before the try that has just failed; zero after the first failure.</param>
    public static TimeSpan Next(TimeSpan wait) => wait == TimeSpan.Zero
        ? TimeSpan.FromSeconds(1)
        : TimeSpan.FromTicks(Math.Min(2 * wait.Ticks, Longest.Ticks));
}
