using MoCoSharp.Evaluation;

namespace MoCoSharp.Cli.Progress;

/// <summary>Warns, once, where a training on labels diverges.</summary>
/// <param name="epochs">Of the protocol.</param>
/// <param name="classes">Number of classes.</param>
/// <param name="cure">What to do, a sentence.</param>
internal sealed class TrendWarnings(int epochs, int classes, string cure)
{
    private readonly List<EpochScores> _done = [];
    private bool _isTold;

    /// <summary>What stands in the report: null where the last epoch was sound.</summary>
    public string? Trouble { get; private set; }

    /// <summary>An epoch is done.</summary>
    public void Look(EpochScores epoch)
    {
        _done.Add(epoch);
        Trouble = EpochTrend.Trouble(_done, epochs, classes);
        if (Trouble is not null && !_isTold)
        {
            _isTold = true;
            Console.Error.WriteLine($"moco: warning: {Trouble}. {cure}");
        }
    }
}
