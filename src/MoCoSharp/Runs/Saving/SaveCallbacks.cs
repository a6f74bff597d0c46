namespace MoCoSharp.Runs;

/// <summary>What a <see cref="Saver"/> tells its run.</summary>
internal sealed record SaveCallbacks
{
    /// <summary>A checkpoint is on the disk; its path. Called on the training thread.</summary>
    public required Action<string> Saved { get; init; }

    /// <summary>A save failed and will be tried again. Called on the training thread.</summary>
    public required Action<SaveFailure> Failed { get; init; }

    /// <summary>Flushes what must be on the disk before a checkpoint: metrics. Called on another thread.</summary>
    public required Action BeforeWrite { get; init; }
}

/// <summary>Why a state is not on the disk.</summary>
/// <param name="Step">Steps done in that state.</param>
/// <param name="Path">The file that was to be written.</param>
/// <param name="Error">What went wrong; <see cref="DivergedException"/>: the state holds a NaN or an infinity.</param>
/// <param name="Newest">The newest checkpoint on the disk; "none" where there is none.</param>
internal sealed record SaveFailure(long Step, string Path, Exception Error, string Newest)
{
    /// <summary>The time until the next try at the end of a run; null while training goes on.</summary>
    public TimeSpan? RetryAfter { get; init; }
}
