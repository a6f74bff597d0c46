namespace MoCoSharp.Features;

/// <summary>The 95 % confidence interval of a share, such as an accuracy: Wilson's score interval.</summary>
internal static class WilsonInterval
{
    /// <summary>The quantile of the normal distribution for a two-sided interval of 95 %.</summary>
    public const double Z = 1.959963984540054;

    /// <summary>The interval of a share.</summary>
    /// <param name="right">Number of successes, 0 to <paramref name="count"/>.</param>
    /// <param name="count">Number of trials; without any, the interval is (0, 1).</param>
    /// <remarks>Wilson 1927, <see href="https://doi.org/10.1080/01621459.1927.10502953"/>.</remarks>
    public static (double Low, double High) Of(long right, long count)
    {
        if (count == 0)
        {
            return (0, 1);
        }

        var (n, p) = ((double)count, right / (double)count);
        var center = (p + (Z * Z / (2 * n))) / (1 + (Z * Z / n));
        var half = Z / (1 + (Z * Z / n)) * Math.Sqrt((p * (1 - p) / n) + (Z * Z / (4 * n * n)));
        return (Math.Max(0, center - half), Math.Min(1, center + half));
    }
}
