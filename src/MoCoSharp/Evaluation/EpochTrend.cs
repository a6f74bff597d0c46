namespace MoCoSharp.Evaluation;

/// <summary>Detects that a training on labels diverges, from the losses of its epochs.</summary>
internal static class EpochTrend
{
    /// <summary>Describes the problem in a clause; null if there is none.</summary>
    /// <param name="epochs">The completed epochs, at least one.</param>
    /// <param name="epochsInAll">The number of epochs of the protocol.</param>
    /// <param name="classes">Number of classes, 2 or more.</param>
    /// <returns>
    /// A clause if the loss is above the chance loss, ln(classes), and has risen or the epoch is the last.
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

        var before = rises ? FormattableString.Invariant($"up from {epochs[^2].Loss:G4}") : "the last epoch";
        return FormattableString.Invariant($"the loss is {last.Loss:G4} after epoch {last.Epoch}, {before}; ") +
            FormattableString.Invariant($"a classifier at chance has {chance:F2} ") +
            FormattableString.Invariant($"(the logarithm of {classes} classes). ") +
            "The learning rate is too high for these features";
    }
}
