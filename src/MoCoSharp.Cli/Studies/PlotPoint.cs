namespace MoCoSharp.Cli.Studies;

/// <summary>A point of a plot: the mean over seeds, with its range.</summary>
/// <param name="Series">Its line.</param>
/// <param name="X">Its place on the x axis: a number, or the name of a category.</param>
/// <param name="Y">Its value. NaN if every seed diverged.</param>
/// <param name="Low">Lower end of the error bar. The error bar is not drawn if both ends are equal.</param>
/// <param name="High">Upper end of the error bar.</param>
internal readonly record struct PlotPoint(string Series, string X, double Y, double Low, double High)
{
    /// <summary>The mean of one or more seeds, with the lowest and the highest. No finite value: NaN.</summary>
    public static PlotPoint Of(string series, string x, IEnumerable<double> seeds)
    {
        var values = seeds.Where(double.IsFinite).ToList();
        return values.Count == 0
            ? new(series, x, double.NaN, double.NaN, double.NaN)
            : new(series, x, values.Average(), values.Min(), values.Max());
    }
}
