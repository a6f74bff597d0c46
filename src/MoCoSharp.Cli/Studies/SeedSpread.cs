namespace MoCoSharp.Cli.Studies;

/// <summary>The mean and spread of one number over several seeds.</summary>
/// <param name="Mean">Mean of the values.</param>
/// <param name="Deviation">Standard deviation of the sample, with n - 1.</param>
/// <param name="HalfInterval">
/// Half of the 95 % confidence interval of the mean: Student's t x deviation / sqrt(n).
/// </param>
internal readonly record struct SeedSpread(double Mean, double Deviation, double HalfInterval)
{
    // Student's t, 0.975 quantile, for 1 to 30 degrees of freedom; beyond, the normal distribution's and its first
    // correction.
    private static readonly double[] Quantiles =
    [
        12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228, 2.201, 2.179, 2.160, 2.145, 2.131,
        2.120, 2.110, 2.101, 2.093, 2.086, 2.080, 2.074, 2.069, 2.064, 2.060, 2.056, 2.052, 2.048, 2.045, 2.042,
    ];

    /// <summary>Computes the spread of at least two values.</summary>
    /// <exception cref="ArgumentException">There are fewer.</exception>
    public static SeedSpread Of(IReadOnlyList<double> values)
    {
        ArgumentNullException.ThrowIfNull(values);
        if (values.Count < 2)
        {
            throw new ArgumentException($"{values.Count} values have no spread: expected at least 2.", nameof(values));
        }

        var mean = values.Average();
        var deviation = Math.Sqrt(values.Sum(value => (value - mean) * (value - mean)) / (values.Count - 1));
        var freedom = values.Count - 1;
        var quantile = freedom <= Quantiles.Length ? Quantiles[freedom - 1] : 1.95996 + (2.37227 / freedom);
        return new(mean, deviation, quantile * deviation / Math.Sqrt(values.Count));
    }
}
