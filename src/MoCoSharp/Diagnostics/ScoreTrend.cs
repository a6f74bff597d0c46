using MoCoSharp.Features;
using static System.FormattableString;

namespace MoCoSharp.Diagnostics;

/// <summary>A score of a monitor.</summary>
/// <param name="Epoch">Epochs done; 0 is before training.</param>
/// <param name="Score">The higher, the better.</param>
internal readonly record struct EpochScore(int Epoch, double Score);

/// <summary>Says when a monitored score has stopped rising.</summary>
internal static class ScoreTrend
{
    private const int FewestScores = 5; // with the one before training
    private const int FewestSince = 3; // measurements that did not rise
    private const double LongSince = 1 / 3.0; // share of the epochs
    private const double Relative = 0.03; // change of a figure without an interval that counts

    /// <summary>The trend of kNN accuracies, in a sentence or two; null if too few are known.</summary>
    /// <param name="scores">The accuracies, 0 to 1, oldest first.</param>
    /// <param name="queries">Number of queries. A rise counts if it exceeds the 95 % interval of a difference.</param>
    /// <param name="epochs">Epochs of the whole run.</param>
    /// <param name="fallsToZero">Whether the learning rate falls towards 0, as by cosine.</param>
    /// <remarks>
    /// The interval is that of two independent samples of queries. All measurements have the same queries, so it is too
    /// wide, and small rises are not counted.
    /// </remarks>
    public static string? OfKnn(IReadOnlyList<EpochScore> scores, int queries, int epochs, bool fallsToZero) => Of(
        scores, "kNN", score => Invariant($"{100 * score:F1} %"),
        (before, after) =>
            after - before > WilsonInterval.Z * Math.Sqrt((Variance(before) + Variance(after)) / queries),
        epochs, fallsToZero);

    /// <summary>The trend of a figure without an interval, such as an effective rank. A rise of 3 % counts.</summary>
    public static string? OfFigure(
        string name, IReadOnlyList<EpochScore> scores, int epochs, bool fallsToZero) => Of(
            scores, name, score => Invariant($"{score:F1}"), (before, after) => after > before * (1 + Relative), epochs,
            fallsToZero);

    private static string? Of(
        IReadOnlyList<EpochScore> scores, string name, Func<double, string> text, Func<double, double, bool> rises,
        int epochs, bool fallsToZero)
    {
        if (scores.Count < FewestScores)
        {
            return null;
        }

        var last = scores[^1];
        var best = scores.MaxBy(item => item.Score);
        var isOver = last.Epoch >= epochs;
        var at = $"epoch {last.Epoch} of {epochs}";
        if (rises(last.Score, best.Score))
        {
            return $"{name} fell from {text(best.Score)} at epoch {best.Epoch} to {text(last.Score)} at {at}.";
        }

        var since = Enumerable
            .Range(0, scores.Count)
            .First(i => !scores.Skip(i + 1).Any(later => rises(scores[i].Score, later.Score)));
        var isLong = scores.Count - 1 - since >= FewestSince
            && last.Epoch - scores[since].Epoch >= LongSince * last.Epoch;
        if (isLong)
        {
            return $"{name} has not risen clearly since epoch {scores[since].Epoch} ({text(scores[since].Score)}; " +
                $"{text(last.Score)} at {at}). " +
                (isOver ? "The difference may be chance, so a shorter schedule may do as well."
                    : fallsToZero ? "The learning rate still falls, which often raises it again: let the run end."
                    : "The run may be ended.");
        }

        // A monitor that was switched on late has no score from before the last third.
        var earlier = scores.Where(item => item.Epoch <= (1 - LongSince) * last.Epoch).ToList();
        return isOver && earlier.Count > 0 && earlier[^1] is var before && rises(before.Score, last.Score)
            ? $"{name} still rose in the last third ({text(before.Score)} at epoch {before.Epoch}, " +
                $"{text(last.Score)} at {at}): more epochs may help." +
                (fallsToZero ? " A falling learning rate raises the end of any schedule; only a longer run tells." : "")
            : null;
    }

    private static double Variance(double share) => share * (1 - share);
}
