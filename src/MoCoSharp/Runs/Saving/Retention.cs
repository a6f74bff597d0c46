namespace MoCoSharp.Runs;

/// <summary>A checkpoint as far as its keeping goes.</summary>
/// <param name="Step">Steps done.</param>
/// <param name="Epoch">Epochs done, where it was made at an epoch's end; else null.</param>
/// <param name="Score">What the monitor found at this step, the higher the better; null where it did not look.</param>
internal readonly record struct KeptCheckpoint(long Step, int? Epoch, double? Score);

/// <summary>Which checkpoints stay.</summary>
internal static class Retention
{
    /// <summary>The steps whose files may go: not among the last n, of no m-th epoch, not among the best k. Of equal scores the later is better.</summary>
    public static IReadOnlyList<long> Superfluous(IEnumerable<KeptCheckpoint> checkpoints, CheckpointOptions options)
    {
        var all = checkpoints.OrderByDescending(item => item.Step).ToList();
        var best = all.Where(item => item.Score is not null).OrderByDescending(item => item.Score).ThenByDescending(item => item.Step).Take(options.KeepBest);
        HashSet<long> kept =
        [
            .. all.Take(options.Keep).Select(item => item.Step),
            .. all.Where(item => options.KeepEveryEpochs > 0 && item.Epoch > 0 && item.Epoch % options.KeepEveryEpochs == 0).Select(item => item.Step),
            .. best.Select(item => item.Step),
        ];
        return [.. all.Select(item => item.Step).Where(step => !kept.Contains(step))];
    }
}
