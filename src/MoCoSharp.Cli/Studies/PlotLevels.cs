using System.Globalization;

namespace MoCoSharp.Cli.Studies;

/// <summary>The y axis of a plot: its range, and grid lines at round numbers.</summary>
/// <param name="Low">Lower end.</param>
/// <param name="High">Upper end, above <paramref name="Low"/>.</param>
/// <param name="Step">Distance of the grid lines: 1, 2 or 5 times a power of ten.</param>
internal readonly record struct PlotLevels(double Low, double High, double Step)
{
    /// <summary>A range with some room around all values, whatever the values.</summary>
    public static PlotLevels Around(IEnumerable<double> values)
    {
        var known = values.Where(double.IsFinite).DefaultIfEmpty(0).ToList();
        var (low, high) = (known.Min(), known.Max());
        var span = high - low > 1e-9 ? high - low : Math.Max(1, Math.Abs(high) * 0.1);
        var middle = (low + high) / 2;
        var room = 0.58 * span; // 8 % of the span on both sides
        var raw = span / 6;
        var power = Math.Pow(10, Math.Floor(Math.Log10(raw)));
        var step = power * (raw / power) switch { <= 1 => 1, <= 2 => 2, <= 5 => 5, _ => 10 };
        return new(low >= 0 ? Math.Max(0, middle - room) : middle - room, middle + room, step);
    }

    /// <summary>The place of a value, from 0 (lower end) to 1.</summary>
    public double Fraction(double value) => (value - Low) / (High - Low);

    /// <summary>The grid lines.</summary>
    public IEnumerable<double> Lines()
    {
        for (var line = (long)Math.Ceiling(Low / Step); line * Step <= High; line++)
        {
            yield return line * Step;
        }
    }

    /// <summary>Text of a grid line, with as many decimals as the step needs.</summary>
    public string Text(double level) =>
        level.ToString($"F{Math.Max(0, (int)-Math.Floor(Math.Log10(Step)))}", CultureInfo.InvariantCulture);
}
