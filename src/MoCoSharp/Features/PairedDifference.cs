namespace MoCoSharp.Features;

/// <summary>The difference of two accuracies on the same queries, with its 95 % interval.</summary>
/// <param name="Difference">The first accuracy minus the second, -1 to 1.</param>
/// <param name="Low">Lower end of the interval.</param>
/// <param name="High">Upper end of the interval.</param>
/// <remarks>
/// Only the queries that one classifier gets right and the other wrong count, as in McNemar's test. The interval is
/// that of Agresti and Min 2005, "Simple improved confidence intervals for comparing matched proportions",
/// <see href="https://doi.org/10.1002/sim.1781"/>: half a query is added to each of the four cells before Wald's
/// interval of the difference.
/// </remarks>
internal readonly record struct PairedDifference(double Difference, double Low, double High)
{
    /// <summary>Whether the first is better, and the interval excludes 0.</summary>
    public bool IsBetter => Low > 0;

    /// <summary>Whether the first is worse, and the interval excludes 0.</summary>
    public bool IsWorse => High < 0;

    /// <summary>Compares two classifiers on the queries that both have answered.</summary>
    /// <exception cref="ArgumentException">They have no query in common.</exception>
    public static PairedDifference Of(KnnScore first, KnnScore second)
    {
        ArgumentNullException.ThrowIfNull(first);
        ArgumentNullException.ThrowIfNull(second);
        var ofSecond = second.Queries.Zip(second.Right).ToDictionary();
        var (count, onlyFirst, onlySecond) = (0, 0, 0);
        foreach (var (query, isRight) in first.Queries.Zip(first.Right))
        {
            if (ofSecond.TryGetValue(query, out var isOtherRight))
            {
                count++;
                onlyFirst += isRight && !isOtherRight ? 1 : 0;
                onlySecond += isOtherRight && !isRight ? 1 : 0;
            }
        }

        return count > 0
            ? Of(onlyFirst, onlySecond, count)
            : throw new ArgumentException($"\"{first.Name}\" and \"{second.Name}\" have no query in common.");
    }

    /// <summary>The difference from the number of queries that only one of two classifiers gets right.</summary>
    /// <param name="onlyFirst">Queries that only the first gets right.</param>
    /// <param name="onlySecond">Queries that only the second gets right.</param>
    /// <param name="count">All queries, above 0.</param>
    public static PairedDifference Of(int onlyFirst, int onlySecond, int count)
    {
        var (first, second, all) = (onlyFirst + 0.5, onlySecond + 0.5, count + 2.0);
        var center = (first - second) / all;
        var variance = (first + second - ((first - second) * (first - second) / all)) / (all * all);
        var half = WilsonInterval.Z * Math.Sqrt(variance);
        return new PairedDifference((onlyFirst - onlySecond) / (double)count, center - half, center + half);
    }
}
