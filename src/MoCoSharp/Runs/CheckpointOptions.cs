namespace MoCoSharp.Runs;

/// <summary>When a run saves checkpoints, and which it keeps. It also saves at the end and when stopped.</summary>
public sealed record CheckpointOptions
{
    /// <summary>Save every so many epochs, above 0.</summary>
    public int EveryEpochs { get; init; } = 1;

    /// <summary>Also save every so many steps; 0 is never.</summary>
    public int EverySteps { get; init; }

    /// <summary>Also save every so many minutes; 0 is never.</summary>
    public double EveryMinutes { get; init; } = 15;

    /// <summary>Number of newest checkpoints to keep, above 0.</summary>
    public int Keep { get; init; } = 3;

    /// <summary>Also keep the end of every m-th epoch; 0 is none.</summary>
    public int KeepEveryEpochs { get; init; }

    /// <summary>Also keep the k best by the kNN monitor; 0 is none.</summary>
    public int KeepBest { get; init; } = 1;

    /// <summary>All faults of these options; each names its option.</summary>
    public IEnumerable<string> Validate()
    {
        if (EveryEpochs < 1)
        {
            yield return $"checkpoints.everyEpochs is {EveryEpochs}, expected a number above 0.";
        }

        if (EverySteps < 0)
        {
            yield return $"checkpoints.everySteps is {EverySteps}, expected 0 (never) or more.";
        }

        if (!(EveryMinutes >= 0) || double.IsInfinity(EveryMinutes))
        {
            yield return $"checkpoints.everyMinutes is {EveryMinutes}, expected 0 (never) or more.";
        }

        if (Keep < 1)
        {
            yield return $"checkpoints.keep is {Keep}, expected a number above 0.";
        }

        if (KeepEveryEpochs < 0)
        {
            yield return $"checkpoints.keepEveryEpochs is {KeepEveryEpochs}, expected 0 (none) or more.";
        }

        if (KeepBest < 0)
        {
            yield return $"checkpoints.keepBest is {KeepBest}, expected 0 (none) or more.";
        }
    }
}
