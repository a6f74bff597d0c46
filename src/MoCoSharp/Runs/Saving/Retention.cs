namespace MoCoSharp.Runs;

/// <summary>What decides whether a checkpoint is kept.</summary>
/// <param name="Step">Steps done.</param>
/// <param name="Epoch">Epochs done, if the checkpoint is of an epoch's end; else null.</param>
/// <param name="Score">The score at this step, higher is better; null where nothing was evaluated.</param>
internal readonly record struct KeptCheckpoint(long Step, int? Epoch, double? Score);

/// <summary>Which checkpoints are kept: the last n, every m-th epoch, and the best k.</summary>
internal static class Retention
{
    /// <summary>The steps whose files can be deleted. Of equal scores the later is better.</summary>
    public static IReadOnlyList<long> FindSuperfluous(
        IEnumerable<KeptCheckpoint> checkpoints, CheckpointOptions options)
    {
        var all = checkpoints.OrderByDescending(item => item.Step).ToList();
        var every = options.KeepEveryEpochs;
        var last = all.Take(options.Keep);
        var periodic = all.Where(item => every > 0 && item.Epoch > 0 && item.Epoch % every == 0);
        var best = all.Where(item => item.Score is not null)
            .OrderByDescending(item => item.Score).ThenByDescending(item => item.Step).Take(options.KeepBest);
        var kept = last.Concat(periodic).Concat(best).Select(item => item.Step).ToHashSet();
        return [.. all.Select(item => item.Step).Where(step => !kept.Contains(step))];
    }
}
