namespace MoCoSharp.Evaluation;

/// <summary>Watches the epochs of a training on labels, and tells once if it diverges.</summary>
/// <param name="epochs">The number of epochs of the protocol.</param>
/// <param name="classes">The number of classes.</param>
/// <param name="diverging">Called once, with a clause that says what is wrong.</param>
internal sealed class TrendWatch(int epochs, int classes, Action<string>? diverging)
{
    private readonly List<EpochScores> _done = [];
    private bool _isTold;

    /// <summary>What is wrong after the latest epoch, for the report; null if nothing is.</summary>
    public string? Trouble { get; private set; }

    /// <summary>Looks at a finished epoch.</summary>
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
