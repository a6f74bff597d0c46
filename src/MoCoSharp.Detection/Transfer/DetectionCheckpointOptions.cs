using MoCoSharp.Runs;

namespace MoCoSharp.Detection.Transfer;

/// <summary>When a detection saves, and which files it keeps. It also saves at its end and at a stop.</summary>
public sealed record DetectionCheckpointOptions
{
    /// <summary>Steps between two saves; 0 is never.</summary>
    public int EverySteps { get; init; } = 1000;

    /// <summary>Minutes between two saves; 0 is never.</summary>
    public double EveryMinutes { get; init; } = 15;

    /// <summary>How many of the newest files are kept, above 0.</summary>
    public int Keep { get; init; } = 2;

    /// <summary>Every fault of these options, with the option's name.</summary>
    public IEnumerable<string> Validate()
    {
        if (EverySteps < 0 || !(EveryMinutes >= 0) || double.IsInfinity(EveryMinutes) || Keep < 1)
        {
            yield return $"checkpoints: every {EverySteps} steps and {EveryMinutes} minutes, keep {Keep}: " +
                "expected 0 (never) or more, twice, and a number above 0.";
        }
    }

    /// <summary>These options for a <see cref="Saver"/>. A detection has no epochs, and no score in between.</summary>
    internal CheckpointOptions ToCheckpointOptions() => new()
    {
        EverySteps = EverySteps,
        EveryMinutes = EveryMinutes,
        Keep = Keep,
        KeepBest = 0,
    };
}
