namespace MoCoSharp.Runs;

/// <summary>The progress of a run: its state besides tensors.</summary>
internal sealed record TrainingProgress
{
    /// <summary>Steps done since the beginning.</summary>
    public long Step { get; init; }

    /// <summary>Epochs done.</summary>
    public int Epoch { get; init; }

    /// <summary>Batches done in the current epoch.</summary>
    public int Batch { get; init; }

    /// <summary>Batches in an epoch; 0 before the first step.</summary>
    public int BatchesPerEpoch { get; init; }

    /// <summary>The losses of the steps since the last report.</summary>
    public IReadOnlyList<double> Losses { get; init; } = [];

    /// <summary>Images that the first process left out since the last report.</summary>
    public IReadOnlyList<LostTurn> LeftOut { get; init; } = [];

    /// <summary>The best accuracy of the kNN monitor, 0 to 1; null before its first evaluation.</summary>
    public double? BestKnn { get; init; }

    /// <summary>Steps done at the best accuracy.</summary>
    public long BestKnnStep { get; init; }

    /// <summary>Number of processes in the latest steps.</summary>
    public int Processes { get; init; } = 1;

    /// <summary>The step of the learning rate schedule, as if all epochs had the current number of batches.</summary>
    public long ScheduleStep => ((long)Epoch * BatchesPerEpoch) + Batch;

    /// <summary>The progress after one more step.</summary>
    internal TrainingProgress Next() => Batch + 1 < BatchesPerEpoch
        ? this with { Step = Step + 1, Batch = Batch + 1 }
        : this with { Step = Step + 1, Epoch = Epoch + 1, Batch = 0 };

    /// <summary>
    /// The same share of the epoch, after a change of batch size or data changed the number of batches.
    /// </summary>
    internal TrainingProgress WithBatchesPerEpoch(int batchesPerEpoch) => BatchesPerEpoch == batchesPerEpoch
        ? this
        : this with
        {
            BatchesPerEpoch = batchesPerEpoch,
            Batch = BatchesPerEpoch == 0 ? 0 : (int)((long)Batch * batchesPerEpoch / BatchesPerEpoch),
        };

    /// <summary>The progress with a new accuracy, if it is the best so far.</summary>
    internal TrainingProgress WithEvaluation(long step, double accuracy) =>
        accuracy > (BestKnn ?? -1) ? this with { BestKnn = accuracy, BestKnnStep = step } : this;
}
