using System.Text.Json.Serialization;
using MoCoSharp.Data.Views;

namespace MoCoSharp.Features;

/// <summary>How the images to label are chosen.</summary>
public enum SelectionRule
{
    /// <summary>The most typical image of each cluster.</summary>
    [JsonStringEnumMemberName("typical")]
    Typical,

    /// <summary>The image farthest from all that are chosen or labeled.</summary>
    [JsonStringEnumMemberName("diverse")]
    Diverse,

    /// <summary>The image of which the labeled images say least.</summary>
    [JsonStringEnumMemberName("uncertain")]
    Uncertain,

    /// <summary>By chance, for comparison.</summary>
    [JsonStringEnumMemberName("random")]
    Random,
}

/// <summary>The images to choose from, and those that have labels already.</summary>
/// <param name="Rows">L2-normalized features: first the candidates, then the labeled images.</param>
/// <param name="Candidates">The number of candidates.</param>
/// <param name="Labels">The labels of the labeled images, 0 or more; -1 for none.</param>
internal sealed record SelectionPool(HostFeatures Rows, int Candidates, int[] Labels);

/// <summary>A chosen image.</summary>
/// <param name="Row">Its row in the features to choose from.</param>
/// <param name="Score">
/// Typical: the mean distance to the 20 nearest images. Diverse: the distance to the nearest image that was chosen
/// before or is labeled. Uncertain: the margin between the two likeliest classes, 0 to 1. NaN without a figure.
/// </param>
public readonly record struct SelectedImage(int Row, double Score);

/// <summary>Chooses which images to label first. The first images of the choice are themselves a good choice.</summary>
public static class ImageSelection
{
    private const double Temperature = 0.1; // of the kNN vote

    /// <summary>Chooses images, the most useful first.</summary>
    /// <param name="rule">How.</param>
    /// <param name="images">L2-normalized features of the images to choose from. Their labels are not used.</param>
    /// <param name="count">1 to the number of these images.</param>
    /// <param name="labeled">
    /// L2-normalized features of images that have labels already, and are not chosen again; null for none.
    /// </param>
    /// <param name="seed">The same seed gives the same images.</param>
    /// <param name="cancellation">Ends the work early.</param>
    /// <exception cref="ArgumentException">
    /// The rule is uncertain, and fewer than two classes are labeled; or the features differ in size.
    /// </exception>
    /// <exception cref="InvalidDataException">A feature is not a finite number.</exception>
    /// <exception cref="OperationCanceledException">The work was canceled.</exception>
    public static IReadOnlyList<SelectedImage> Choose(
        SelectionRule rule, FeatureSet images, int count, FeatureSet? labeled = null, long seed = 0,
        CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(images);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(count);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(count, images.Indices.Length);
        if (labeled is not null && labeled.Values.shape[1] != images.Values.shape[1])
        {
            throw new ArgumentException(
                $"The labeled features have {labeled.Values.shape[1]} values, expected {images.Values.shape[1]}. " +
                "Are both of the same encoder and layer?",
                nameof(labeled));
        }

        var rows = HostFeatures.Of(images.Values);
        var pool = new SelectionPool(
            labeled is null ? rows : rows.Followed(HostFeatures.Of(labeled.Values)), rows.Count,
            labeled?.Labels ?? []);
        return rule switch
        {
            SelectionRule.Typical => TypicalImages.Choose(pool, count, seed, cancellation),
            SelectionRule.Diverse => Diverse(pool, count, seed, cancellation),
            SelectionRule.Uncertain => Uncertain(pool, count),
            SelectionRule.Random => Random(pool, count, seed),
            _ => throw new ArgumentOutOfRangeException(nameof(rule), rule, "Expected a rule of SelectionRule."),
        };
    }

    // Greedy k-center: Gonzalez 1985; Sener and Savarese 2018, https://arxiv.org/abs/1708.00489. Without labeled
    // images, the first is drawn by chance.
    private static List<SelectedImage> Diverse(
        SelectionPool pool, int count, long seed, CancellationToken cancellation)
    {
        var distances = new CenterDistances(pool.Rows, pool.Candidates);
        for (var row = pool.Candidates; row < pool.Rows.Count; row++)
        {
            distances.Add(pool.Rows.Row(row));
        }

        var chosen = new List<SelectedImage>();
        var taken = new bool[pool.Candidates];
        while (chosen.Count < count)
        {
            cancellation.ThrowIfCancellationRequested();
            var isFirst = chosen.Count == 0 && pool.Labels.Length == 0;
            var row = isFirst
                ? RandomStreams.Selection(seed, 0).NextInt(pool.Candidates)
                : distances.Farthest(candidate => !taken[candidate]);
            chosen.Add(new(row, isFirst ? double.NaN : Math.Sqrt(distances[row])));
            taken[row] = true;
            distances.Add(pool.Rows.Row(row));
        }

        return chosen;
    }

    // The smallest margins between the two likeliest classes, by a vote of all labeled images with the weights
    // exp(cosine / 0.1).
    private static List<SelectedImage> Uncertain(SelectionPool pool, int count)
    {
        var classes = pool.Labels.DefaultIfEmpty(-1).Max() + 1;
        if (pool.Labels.Distinct().Count(label => label >= 0) < 2)
        {
            throw new ArgumentException(
                "The labeled images have fewer than two classes, which the rule uncertain needs. Label more images.",
                nameof(pool));
        }

        var margins = new double[pool.Candidates];
        Parallel.For(0, pool.Candidates, row => margins[row] = Margin(pool, row, classes));
        return
        [
            .. Enumerable.Range(0, pool.Candidates).OrderBy(row => margins[row]).Take(count) // stable
                .Select(row => new SelectedImage(row, margins[row])),
        ];
    }

    private static double Margin(SelectionPool pool, int row, int classes)
    {
        var votes = new double[classes];
        for (var i = 0; i < pool.Labels.Length; i++)
        {
            if (pool.Labels[i] >= 0)
            {
                // Rows have length 1: |a - b|^2 = 2 - 2 cosine. Minus 1, the highest cosine: no overflow.
                var square = HostFeatures.SquaredDistance(pool.Rows.Row(row), pool.Rows.Row(pool.Candidates + i));
                votes[pool.Labels[i]] += Math.Exp(-square / 2 / Temperature);
            }
        }

        var total = votes.Sum();
        Array.Sort(votes);
        return (votes[^1] - votes[^2]) / total;
    }

    private static List<SelectedImage> Random(SelectionPool pool, int count, long seed)
    {
        int[] rows = [.. Enumerable.Range(0, pool.Candidates)];
        RandomStreams.Selection(seed, 0).Shuffle(rows.AsSpan());
        return [.. rows.Take(count).Select(row => new SelectedImage(row, double.NaN))];
    }
}
