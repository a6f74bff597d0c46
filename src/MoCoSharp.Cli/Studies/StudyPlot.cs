using System.Globalization;
using System.Net;
using System.Text;

namespace MoCoSharp.Cli.Studies;

/// <summary>A point of a plot.</summary>
/// <param name="Series">Its line.</param>
/// <param name="X">Its category; categories are placed in order of appearance.</param>
/// <param name="Y">Its value.</param>
/// <param name="Deviation">Half of the error bar; 0 draws none.</param>
internal readonly record struct PlotPoint(string Series, string X, double Y, double Deviation);

/// <summary>
/// A line plot over categories with error bars, as SVG. Browsers can show it, and a diff shows changes.
/// </summary>
internal static class StudyPlot
{
    private const int Width = 640, Height = 400, Left = 64, Right = 150, Top = 40, Bottom = 56;
    private static readonly string[] Colors = ["#26467a", "#c45e70", "#5a8f5a", "#b8860b", "#7a4fa0"];

    /// <summary>Draws a plot.</summary>
    /// <param name="title">Title.</param>
    /// <param name="xLabel">Label of the x axis.</param>
    /// <param name="yLabel">Label of the y axis.</param>
    /// <param name="points">Finite points, in table order.</param>
    public static string Draw(string title, string xLabel, string yLabel, IEnumerable<PlotPoint> points)
    {
        var all = points.ToList();
        var places = all.Select(point => point.X).Distinct().ToList();
        var low = all.Count == 0 ? 0 : all.Min(point => point.Y - point.Deviation);
        var high = all.Count == 0 ? 1 : all.Max(point => point.Y + point.Deviation);
        var room = Math.Max(1e-9, high - low) * 0.08;
        (low, high) = (low - room, high + room);
        var svg = new StringBuilder();
        svg.Append(
            CultureInfo.InvariantCulture,
            $"<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {Width} {Height}\" font-family=\"sans-serif\" " +
            $"font-size=\"12\">\n");
        svg.Append(CultureInfo.InvariantCulture, $"<rect width=\"{Width}\" height=\"{Height}\" fill=\"white\"/>\n");
        Write(Width / 2.0, 20, title, "middle", " font-size=\"14\"");
        Write((Left + Width - Right) / 2.0, Height - 12, xLabel, "middle");
        Write(
            16, (Top + Height - Bottom) / 2.0, yLabel, "middle",
            FormattableString.Invariant($" transform=\"rotate(-90 16 {(Top + Height - Bottom) / 2.0})\""));
        foreach (var level in Levels(low, high))
        {
            Line(Left, Y(level), Width - Right, Y(level), "#dddddd");
            Write(Left - 6, Y(level) + 4, level.ToString("0.##", CultureInfo.InvariantCulture), "end");
        }

        foreach (var place in places)
        {
            Write(X(place), Height - Bottom + 18, place, "middle");
        }

        foreach (var (i, series) in all.GroupBy(point => point.Series).Index())
        {
            var color = Colors[i % Colors.Length];
            var corners = series.Select(point => FormattableString.Invariant($"{X(point.X):F1},{Y(point.Y):F1}"));
            svg.Append(
                CultureInfo.InvariantCulture,
                $"<polyline fill=\"none\" stroke=\"{color}\" stroke-width=\"2\" " +
                $"points=\"{string.Join(' ', corners)}\"/>\n");
            foreach (var point in series)
            {
                svg.Append(
                    CultureInfo.InvariantCulture,
                    $"<circle cx=\"{X(point.X):F1}\" cy=\"{Y(point.Y):F1}\" r=\"4\" " +
                    $"fill=\"{color}\"><title>{WebUtility.HtmlEncode(point.X)}: {point.Y:F2}</title></circle>\n");
                if (point.Deviation > 0)
                {
                    Line(X(point.X), Y(point.Y - point.Deviation), X(point.X), Y(point.Y + point.Deviation), color);
                }
            }

            Write(Width - Right + 16, Top + 12 + (18 * i), series.Key, "start", $" fill=\"{color}\"");
        }

        return svg.Append("</svg>\n").ToString();

        double X(string place) =>
            Left + ((places.IndexOf(place) + 0.5) * (Width - Left - Right) / Math.Max(1, places.Count));

        double Y(double value) => Height - Bottom - ((value - low) / (high - low) * (Height - Top - Bottom));

        void Line(double x1, double y1, double x2, double y2, string color) =>
            svg.Append(
                CultureInfo.InvariantCulture,
                $"<line x1=\"{x1:F1}\" y1=\"{y1:F1}\" x2=\"{x2:F1}\" y2=\"{y2:F1}\" stroke=\"{color}\"/>\n");

        void Write(double x, double y, string text, string anchor, string more = "") =>
            svg.Append(
                CultureInfo.InvariantCulture,
                $"<text x=\"{x:F1}\" y=\"{y:F1}\" text-anchor=\"{anchor}\"{more}>{WebUtility.HtmlEncode(text)}</text>\n"
            );
    }

    // Round numbers in the range, spaced by 1, 2 or 5 times a power of ten.
    private static IEnumerable<double> Levels(double low, double high)
    {
        var raw = (high - low) / 5;
        var power = Math.Pow(10, Math.Floor(Math.Log10(raw)));
        var step = power * (raw / power) switch { <= 1 => 1, <= 2 => 2, <= 5 => 5, _ => 10 };
        for (var level = Math.Ceiling(low / step) * step; level <= high; level += step)
        {
            yield return level;
        }
    }
}
