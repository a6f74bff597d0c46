namespace MoCoSharp.Runs;

/// <summary>Where a run stands: what its state holds besides tensors.</summary>
public sealed record TrainingProgress
{
    /// <summary>Steps done since the beginning.</summary>
    public long Step { get; init; }

    /// <summary>Epochs done.</summary>
    public int Epoch { get; init; }

    /// <summary>Batches done of the epoch under way.</summary>
    public int Batch { get; init; }

    /// <summary>Batches in an epoch; 0 before the first step.</summary>
    public int BatchesPerEpoch { get; init; }

    /// <summary>The losses of the steps since the last report.</summary>
    public IReadOnlyList<double> Losses { get; init; } = [];

    /// <summary>The turns that images lost since the last report, of the first process.</summary>
    public IReadOnlyList<LostTurn> LeftOut { get; init; } = [];

    /// <summary>The best that the monitor has found, 0 to 1; null where it has not looked.</summary>
    public double? BestKnn { get; init; }

    /// <summary>Steps done when it found that.</summary>
    public long BestKnnStep { get; init; }

    /// <summary>Processes that made the latest steps.</summary>
    public int Processes { get; init; } = 1;

    /// <summary>
    /// Steps that the schedule counts: those of a run that had as many batches an epoch from the beginning.
    /// </summary>
    public long ScheduleStep => ((long)Epoch * BatchesPerEpoch) + Batch;

    /// <summary>One step further.</summary>
    internal TrainingProgress Next() => Batch + 1 < BatchesPerEpoch
        ? this with { Step = Step + 1, Batch = Batch + 1 }
        : this with { Step = Step + 1, Epoch = Epoch + 1, Batch = 0 };

    /// <summary>
    /// The same share of the epoch where an epoch has another number of batches, because batch or data were changed.
    /// </summary>
    internal TrainingProgress WithBatchesPerEpoch(int batchesPerEpoch) => BatchesPerEpoch == batchesPerEpoch
        ? this
        : this with
        {
            BatchesPerEpoch = batchesPerEpoch,
            Batch = BatchesPerEpoch == 0 ? 0 : (int)((long)Batch * batchesPerEpoch / BatchesPerEpoch),
        };

    /// <summary>The better of what was found and this.</summary>
    internal TrainingProgress WithEvaluation(long step, double accuracy) =>
        accuracy > (BestKnn ?? -1) ? this with { BestKnn = accuracy, BestKnnStep = step } : this;
}
