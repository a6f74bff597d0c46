using MoCoSharp.Evaluation;

namespace MoCoSharp.Cli.Progress;

/// <summary>Warns once if supervised training diverges.</summary>
/// <param name="epochs">Epochs of the protocol.</param>
/// <param name="classes">Number of classes.</param>
/// <param name="cure">A sentence on the fix.</param>
internal sealed class TrendWarnings(int epochs, int classes, string cure)
{
    private readonly List<EpochScores> _done = [];
    private bool _isTold;

    /// <summary>The trouble for the report; null if the last epoch was sound.</summary>
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
