namespace MoCoSharp.Training;

/// <summary>Times steps until their mean is reliable.</summary>
/// <remarks>
/// Short epochs are timed as a whole, because the loader begins each epoch anew. In longer ones, the steps after the
/// warm-up are timed.
/// </remarks>
/// <param name="stepsPerEpoch">Above 0.</param>
/// <param name="warmUp">Steps until the loader's prefetched batches are used up and kernels are compiled.</param>
/// <param name="seconds">
/// Time for the measurement. It ends after twice this time at the latest, but not before the second step.
/// </param>
internal sealed class StepClock(int stepsPerEpoch, int warmUp, double seconds)
{
    private const int ShortEpoch = 50; // steps

    private readonly int _unit = stepsPerEpoch <= ShortEpoch ? stepsPerEpoch : 1;
    private int _steps;
    private int _begun; // steps before the measured ones
    private double _since;
    private double _now;

    /// <summary>The end of the first step, in seconds.</summary>
    public double First { get; private set; }

    /// <summary>Whether the measurement is complete.</summary>
    public bool IsDone { get; private set; }

    /// <summary>Mean seconds of a step. Before enough steps: of those since the first.</summary>
    public double Step => (_now - _since) / Math.Max(1, _steps - _begun);

    /// <summary>A step has ended.</summary>
    /// <param name="now">Seconds since the loader was opened.</param>
    public void Stepped(double now)
    {
        _steps++;
        _now = now;
        if (_steps == 1)
        {
            (First, _since, _begun) = (now, now, 1);
            return;
        }

        var isWhole = _steps % _unit == 0;
        if (_begun < warmUp && now < seconds)
        {
            if (isWhole)
            {
                (_since, _begun) = (now, _steps);
            }

            return;
        }

        IsDone = (now - _since >= seconds && (isWhole || _steps - _begun >= ShortEpoch)) || now >= 2 * seconds;
    }
}
