using System.Globalization;

namespace MoCoSharp.Cli.Studies;

/// <summary>
/// A line plot with error bars, as SVG: Markdown shows it, and a diff shows changes. Follows the reader's light or
/// dark theme. Categories, such as the rows of an ablation, have marks without lines.
/// </summary>
internal sealed class StudyPlot
{
    private const int Width = 720, Height = 440, Left = 60, MostLegend = 170, LineHeight = 20;

    private readonly SvgPicture _picture = new(Width, Height);
    private readonly List<PlotPoint> _points;
    private readonly List<string> _series;
    private readonly PlotPlaces _places;
    private readonly PlotLevels _levels;
    private readonly double _right, _top, _bottom;

    private StudyPlot(List<PlotPoint> points, double top)
    {
        _points = points;
        _top = top;
        _series = [.. points.Select(point => point.Series).Distinct(StringComparer.Ordinal)];
        _places = PlotPlaces.Of(points.Select(point => point.X));
        _levels = PlotLevels.Around(points.SelectMany(point => new[] { point.Y, point.Low, point.High }));
        var legend = _series.Count < 2 ? 0 : 30 + Math.Min(MostLegend, _series.Max(name => SvgPicture.WidthOf(name)));
        _right = Width - 20 - legend;
        _bottom = Height - 44 - (16 * _places.Names.Select(name => LinesOf(name).Count).DefaultIfEmpty(1).Max());
    }

    /// <summary>Draws a plot.</summary>
    /// <param name="title">Title, of any length.</param>
    /// <param name="note">What the marks and bars are. The line below the title; empty for none.</param>
    /// <param name="xLabel">Label of the x axis.</param>
    /// <param name="yLabel">Label of the y axis, with its unit.</param>
    /// <param name="points">The points of each series, in any order.</param>
    public static string Draw(
        string title, string note, string xLabel, string yLabel, IEnumerable<PlotPoint> points)
    {
        var lines = SvgPicture.Wrapped(title, Width - 40, 16);
        var plot = new StudyPlot([.. points], top: 74 + (LineHeight * lines.Count));
        plot._picture.Begin(PlotStyle.Text, $"{title}. {yLabel} by {xLabel}.");
        foreach (var (i, line) in lines.Index())
        {
            plot._picture.Write("title", 20, 28 + (LineHeight * i), line);
        }

        plot._picture.Write("faint", 20, 28 + (LineHeight * lines.Count), note);
        plot._picture.Write("label", 20, 54 + (LineHeight * lines.Count), yLabel);
        plot.DrawAxes(xLabel);
        foreach (var (i, name) in plot._series.Index())
        {
            plot.DrawSeries(i, name);
        }

        plot.DrawLegend();
        return plot._picture.ToString();
    }

    private void DrawAxes(string xLabel)
    {
        foreach (var level in _levels.Lines())
        {
            _picture.Line("grid", Left, Y(level), _right, Y(level));
            _picture.Write("faint", Left - 8, Y(level) + 4, _levels.Text(level), "end");
        }

        _picture.Line("axis", Left, _bottom, _right, _bottom);
        _picture.Write("label", (Left + _right) / 2, Height - 14, xLabel + _places.Scale, "middle");
        var free = 0.0; // where the next label may begin
        foreach (var name in _places.Names)
        {
            var lines = LinesOf(name);
            var half = lines.Max(line => SvgPicture.WidthOf(line)) / 2;
            _picture.Line("axis", X(name), _bottom, X(name), _bottom + 4);
            if (_places.AreNumbers && X(name) - half < free)
            {
                continue;
            }

            free = X(name) + half + 4;
            foreach (var (i, line) in lines.Index())
            {
                _picture.Write("faint", X(name), _bottom + 19 + (16 * i), line, "middle");
            }
        }
    }

    // A category in lines that fit beside its neighbors; a number in one line.
    private List<string> LinesOf(string name) =>
        _places.AreNumbers ? [name] : SvgPicture.Wrapped(name, ((_right - Left) / _places.Names.Count) - 6);

    private void DrawSeries(int number, string name)
    {
        var color = $"s{number % PlotStyle.Colors}";
        var shift = 7 * (number - ((_series.Count - 1) / 2.0)); // error bars of series stand side by side
        shift *= Math.Min(1, 40 / (7.0 * _series.Count));
        if (_places.AreNumbers && !_points.Exists(point => point.Low < point.High))
        {
            shift = 0; // without bars, marks stand at their exact places
        }

        var mine = _places.Names.SelectMany(place => _points.Where(point => point.Series == name && point.X == place));
        var known = mine.Where(point => double.IsFinite(point.Y)).ToList();
        if (_places.AreNumbers)
        {
            _picture.Path($"path {color}", known.Select(point => (X(point.X) + shift, Y(point.Y))));
        }

        foreach (var point in mine)
        {
            var x = X(point.X) + shift;
            if (!double.IsFinite(point.Y))
            {
                _picture.Write($"cross {color}", x, _bottom - 6, "×", "middle");
                continue;
            }

            if (point.Low < point.High)
            {
                _picture.Line($"bar {color}", x, Y(point.Low), x, Y(point.High));
                _picture.Line($"bar {color}", x - 4, Y(point.Low), x + 4, Y(point.Low));
                _picture.Line($"bar {color}", x - 4, Y(point.High), x + 4, Y(point.High));
            }

            _picture.Mark($"mark {color}", ShapeOf(number), x, Y(point.Y), string.Create(
                CultureInfo.InvariantCulture,
                $"{name}, {point.X}: {point.Y:0.##} ({point.Low:0.##} to {point.High:0.##})"));
        }
    }

    private void DrawLegend()
    {
        var y = _top + 10;
        foreach (var (i, name) in (_series.Count < 2 ? [] : _series).Index())
        {
            _picture.Mark($"mark s{i % PlotStyle.Colors}", ShapeOf(i), _right + 20, y - 4);
            foreach (var line in SvgPicture.Wrapped(name, MostLegend))
            {
                _picture.Write("label", _right + 32, y, line);
                y += LineHeight;
            }
        }

        if (_points.Any(point => !double.IsFinite(point.Y)))
        {
            _picture.Write("faint", Width - 20, _top - 46, "× diverged", "end");
        }
    }

    // Series of the same color differ by their shape.
    private static int ShapeOf(int number) => number + (number / PlotStyle.Colors);

    private double X(string place) => Left + (_places.Fraction(place) * (_right - Left));

    private double Y(double value) => _bottom - (_levels.Fraction(value) * (_bottom - _top));
}
