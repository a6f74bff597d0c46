namespace MoCoSharp.Runs;

/// <summary>How often a run monitors its health.</summary>
public sealed record HealthOptions
{
    /// <summary>Compute health figures every so many steps, at the next report; 0 is never.</summary>
    public int EverySteps { get; init; } = 20;

    /// <summary>Run the BN probe every so many steps; 0 is never. It costs one more pass of the key encoder.</summary>
    public int ProbeEverySteps { get; init; } = 100;

    /// <summary>Compare queue and weights between processes every so many steps; 0 is never.</summary>
    public int CompareEverySteps { get; init; } = 100;

    /// <summary>All faults of these options; each names its option.</summary>
    public IEnumerable<string> Validate()
    {
        if (EverySteps < 0)
        {
            yield return $"health.everySteps is {EverySteps}, expected 0 (never) or more.";
        }

        if (ProbeEverySteps < 0)
        {
            yield return $"health.probeEverySteps is {ProbeEverySteps}, expected 0 (never) or more.";
        }

        if (CompareEverySteps < 0)
        {
            yield return $"health.compareEverySteps is {CompareEverySteps}, expected 0 (never) or more.";
        }
    }
}
