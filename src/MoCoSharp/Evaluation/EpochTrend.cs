namespace MoCoSharp.Evaluation;

/// <summary>Whether a training on labels diverges, by the losses of its epochs.</summary>
internal static class EpochTrend
{
    /// <summary>What is wrong, in a clause; null if nothing is.</summary>
    /// <param name="epochs">The epochs done, at least one.</param>
    /// <param name="epochsInAll">The number of epochs of the protocol.</param>
    /// <param name="classes">Number of classes, 2 or more.</param>
    /// <returns>
    /// A clause if the loss is above that of a classifier that knows nothing, ln(classes), and it has
    /// grown or the epoch is the last.
    /// </returns>
    public static string? Trouble(IReadOnlyList<EpochScores> epochs, int epochsInAll, int classes)
    {
        var last = epochs[^1];
        var chance = Math.Log(classes);
        var rises = epochs.Count > 1 && last.Loss > epochs[^2].Loss;
        if (!(last.Loss > chance) || !(rises || epochs.Count == epochsInAll))
        {
            return null;
        }

        var before = rises ? FormattableString.Invariant($"and was {epochs[^2].Loss:G4} before") : "the last";
        return FormattableString.Invariant($"the loss is {last.Loss:G4} after epoch {last.Epoch}, {before}; ") +
            FormattableString.Invariant($"a classifier that knows nothing has {chance:F2} ") +
            FormattableString.Invariant($"(the logarithm of {classes} classes). ") +
            "The learning rate is too high for these features";
    }
}
