using System.Globalization;
using MoCoSharp.Runs;

namespace MoCoSharp.Diagnostics;

/// <summary>Detects a run that has hardly begun to learn. Early in training, this is not a problem.</summary>
internal static class Learning
{
    private const int Window = 5;
    // share of the chance loss; a run on the built-in images passes it after a third of its steps
    private const double KnowsLittle = 0.85;
    private const double NearChance = 0.05; // contrast accuracy
    private const double TimesChance = 10;
    private const double FewDirections = 0.1; // share of the directions of an embedding
    private const int MostDirections = 127; // the greatest rank of 128 samples
    private const double Better = 0.05; // accuracy of the kNN monitor above that of the untrained encoder

    /// <summary>
    /// The signs that the run has hardly learned yet, in a clause; null if it has learned, or there are no figures.
    /// </summary>
    /// <param name="config">The configuration of the run.</param>
    /// <param name="lines">The reports with figures, oldest first.</param>
    /// <param name="knn">
    /// The accuracies of the kNN monitor, oldest first; may be empty. A rise shows that the encoder has learned.
    /// </param>
    /// <remarks>
    /// Uses the medians of the latest five reports. The loss must be near the chance loss, and the contrast accuracy
    /// near chance or the embeddings in few directions. A method without a chance loss needs both of the latter.
    /// </remarks>
    public static string? NotYet(RunConfig config, IReadOnlyList<HealthLine> lines, IReadOnlyList<double> knn)
    {
        var latest = lines.TakeLast(Window).ToList();
        if (latest.Count == 0 || config.Method.LearnsLabels || (knn.Count > 1 && knn[^1] > knn[0] + Better))
        {
            return null;
        }

        var (loss, chanceLoss) = (Median(latest.Select(line => line.Loss)), latest[^1].Figures.ChanceLoss);
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
                    $"the contrast accuracy is {contrast:P1} (chance: {chance:P2})"));
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
                    $"the embeddings use {rank:F1} of {directions} directions (effectiveRank)"));
        }

        if (chanceLoss is null ? signs.Count < 2 : signs.Count == 0 || loss < KnowsLittle * chanceLoss)
        {
            return null;
        }

        if (chanceLoss is not null)
        {
            signs.Insert(
                0,
                string.Create(
                    CultureInfo.InvariantCulture,
                    $"the loss is {loss:F2} (chance: {chanceLoss:F2})"));
        }

        return $"the run has hardly learned yet: {string.Join("; ", signs)}.";
    }

    private static double Median(IEnumerable<double> values)
    {
        var ordered = values.Order().ToList();
        return ordered[ordered.Count / 2];
    }
}
