using System.Globalization;

namespace MoCoSharp.Cli.Studies;

/// <summary>Where the values of an x axis stand: numbers on a scale, categories in order of appearance.</summary>
/// <param name="Names">The distinct values, from left to right.</param>
/// <param name="Fractions">Place of each value, from 0 (left end of the axis) to 1.</param>
/// <param name="AreNumbers">Whether the values are numbers. A line connects only numbers.</param>
/// <param name="Scale">What the label of the axis says about the scale. Empty for linear scales.</param>
internal sealed record PlotPlaces(
    IReadOnlyList<string> Names, IReadOnlyList<double> Fractions, bool AreNumbers, string Scale)
{
    private const double Margin = 0.06; // of the axis, on both sides

    /// <summary>
    /// Chooses the scale: log(1 - x) for momenta such as 0, 0.9 and 0.999, logarithmic if the largest number is at
    /// least ten times the smallest, otherwise linear.
    /// </summary>
    public static PlotPlaces Of(IEnumerable<string> values)
    {
        var names = values.Distinct(StringComparer.Ordinal).ToList();
        var numbers = names.ConvertAll(Number);
        if (numbers.Contains(null) || names.Count == 0)
        {
            return new(names, [.. names.Select((_, i) => (i + 0.5) / names.Count)], AreNumbers: false, "");
        }

        var sorted = names.OrderBy(name => Number(name)!.Value).ToList();
        var (low, high) = (Number(sorted[0])!.Value, Number(sorted[^1])!.Value);
        var (scale, says) = (low, high) switch
        {
            ( >= 0, >= 0.99 and < 1) => ((Func<double, double>)(x => -Math.Log10(1 - x)), ", scale of log(1 − x)"),
            ( > 0, _) when high >= 10 * low => (Math.Log10, ", logarithmic scale"),
            _ => (x => x, ""),
        };
        var (left, right) = (scale(low), scale(high));
        return new(
            sorted,
            sorted.ConvertAll(name => left == right
                ? 0.5
                : Margin + ((1 - (2 * Margin)) * (scale(Number(name)!.Value) - left) / (right - left))),
            AreNumbers: true,
            says);
    }

    /// <summary>The place of a value.</summary>
    public double Fraction(string name) => Fractions[Names.ToList().IndexOf(name)];

    private static double? Number(string text) =>
        double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out var number)
        && double.IsFinite(number)
            ? number
            : null;
}
