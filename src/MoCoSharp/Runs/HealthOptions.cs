namespace MoCoSharp.Runs;

/// <summary>How often a run looks after itself.</summary>
public sealed record HealthOptions
{
    /// <summary>Figures at the first report after every so many steps; 0 is never.</summary>
    public int EverySteps { get; init; } = 20;

    /// <summary>
    /// The BN probe, which costs another pass of the key encoder, after every so many steps; 0 is never.
    /// </summary>
    public int ProbeEverySteps { get; init; } = 100;

    /// <summary>
    /// Several processes compare what they hold, queue and weights, after every so many steps; 0 is never.
    /// </summary>
    public int CompareEverySteps { get; init; } = 100;

    /// <summary>Everything wrong with these options, each with the option's name.</summary>
    public IEnumerable<string> Faults()
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
