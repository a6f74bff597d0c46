using System.Globalization;
using MoCoSharp.Runs;

namespace MoCoSharp.Diagnostics;

/// <summary>Whether a run has begun to learn: early, nothing need be wrong where it has not.</summary>
public static class Learning
{
    private const int Window = 5;
    // of the loss of features that know nothing; our built-in images pass it after a third of their run
    private const double KnowsLittle = 0.85;
    private const double NearChance = 0.05; // contrast accuracy
    private const double TimesChance = 10;
    private const double FewDirections = 0.1; // of those that an embedding has
    private const int MostDirections = 127; // that the rank of 128 samples can show
    private const double Better = 0.05; // of a monitor, than the untrained encoder

    /// <summary>
    /// What says that it has hardly learned yet, in a clause; null where it has, or where there are no figures to tell
    /// by.
    /// </summary>
    /// <param name="config">The run's.</param>
    /// <param name="lines">The reports with figures, oldest first.</param>
    /// <param name="knn">
    /// What the monitor has found, oldest first; may be none. Where it has risen, the encoder has learned.
    /// </param>
    /// <remarks>
    /// By the medians of the latest five reports: a loss near that of features that know nothing, with a contrast
    /// accuracy near chance or embeddings in few directions; where the method has no such loss, both of the latter.
    /// </remarks>
    public static string? NotYet(RunConfig config, IReadOnlyList<HealthLine> lines, IReadOnlyList<double> knn)
    {
        ArgumentNullException.ThrowIfNull(config);
        ArgumentNullException.ThrowIfNull(lines);
        ArgumentNullException.ThrowIfNull(knn);
        var latest = lines.TakeLast(Window).ToList();
        if (latest.Count == 0 || config.Method.LearnsLabels || (knn.Count > 1 && knn[^1] > knn[0] + Better))
        {
            return null;
        }

        var (loss, uninformed) = (Median(latest.Select(line => line.Loss)), latest[^1].Figures.LossIfUninformed);
        var contrast = Median(latest.Select(line => line.ContrastAccuracy));
        var chance = config.MoCo is { } moco ? 1.0 / (1 + moco.QueueSize) : 1.0 / config.BatchSize;
        var directions = Math.Min(config.Method.Dimension, Math.Min(config.BatchSize - 1, MostDirections));
        var ranks = latest.Select(line => line.Figures.EffectiveRank).OfType<double>().ToList();
        List<string> signs = [];
        if (contrast < Math.Max(NearChance, Math.Min(0.5, TimesChance * chance)))
        {
            signs.Add(
                string.Create(
                    CultureInfo.InvariantCulture,
                    $"the contrast accuracy is {contrast:P1}, and {chance:P2} is chance"));
        }

        if (
            ranks.Count > 0
            && directions > 1 / FewDirections
            && Median(ranks) is var rank
            && rank < FewDirections * directions)
        {
            signs.Add(
                string.Create(
                    CultureInfo.InvariantCulture,
                    $"the embeddings use {rank:F1} directions of {directions} (effectiveRank)"));
        }

        if (uninformed is null ? signs.Count < 2 : signs.Count == 0 || loss < KnowsLittle * uninformed)
        {
            return null;
        }

        if (uninformed is not null)
        {
            signs.Insert(
                0,
                string.Create(
                    CultureInfo.InvariantCulture,
                    $"the loss is {loss:F2}, and {uninformed:F2} where nothing is known"));
        }

        return $"it has hardly learned yet: {string.Join("; ", signs)}.";
    }

    private static double Median(IEnumerable<double> values)
    {
        var ordered = values.Order().ToList();
        return ordered[ordered.Count / 2];
    }
}
