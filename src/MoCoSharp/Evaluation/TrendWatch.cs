namespace MoCoSharp.Evaluation;

/// <summary>Checks each epoch of a training on labels, and reports divergence once.</summary>
/// <param name="epochs">The number of epochs of the protocol.</param>
/// <param name="classes">The number of classes.</param>
/// <param name="diverging">Called once, with a clause that describes the problem.</param>
internal sealed class TrendWatch(int epochs, int classes, Action<string>? diverging)
{
    private readonly List<EpochScores> _done = [];
    private bool _isTold;

    /// <summary>The problem after the latest epoch, for the report; null if there is none.</summary>
    public string? Trouble { get; private set; }

    /// <summary>Checks a completed epoch.</summary>
    public void Look(EpochScores epoch)
    {
        _done.Add(epoch);
        Trouble = EpochTrend.Trouble(_done, epochs, classes);
        if (Trouble is not null && !_isTold)
        {
            _isTold = true;
            diverging?.Invoke(Trouble);
        }
    }
}
