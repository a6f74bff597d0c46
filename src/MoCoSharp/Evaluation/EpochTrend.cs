namespace MoCoSharp.Evaluation;

/// <summary>Whether a training on labels goes anywhere, by its epochs' losses.</summary>
internal static class EpochTrend
{
    /// <summary>What is wrong with it, in a clause; null where nothing is seen.</summary>
    /// <param name="epochs">Those done, at least one.</param>
    /// <param name="epochsInAll">Of the protocol.</param>
    /// <param name="classes">Number of classes, 2 or more.</param>
    /// <returns>
    /// Says so where the loss is above that of a classifier that knows nothing, ln(classes), and has grown, or is the
    /// last one.
    /// </returns>
    public static string? Trouble(IReadOnlyList<EpochScores> epochs, int epochsInAll, int classes)
    {
        ArgumentNullException.ThrowIfNull(epochs);
        var last = epochs[^1];
        var chance = Math.Log(classes);
        var rises = epochs.Count > 1 && last.Loss > epochs[^2].Loss;
        return last.Loss > chance && (rises || epochs.Count == epochsInAll)
            ? FormattableString.Invariant(
                $"the loss is {last.Loss:G4} after epoch {last.Epoch}, {(rises ? $"and was {epochs[^2].Loss:G4} before" : "the last")}; "
            )
                + FormattableString.Invariant(
                    $"a classifier that knows nothing has {chance:F2} (the logarithm of {classes} classes). The learning rate is too high for these features"
                )
            : null;
    }
}
