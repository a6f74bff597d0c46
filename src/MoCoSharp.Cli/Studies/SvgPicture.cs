using System.Globalization;
using System.Xml.Linq;

namespace MoCoSharp.Cli.Studies;

/// <summary>Lines, marks and texts of an SVG picture. Escapes every text.</summary>
/// <param name="width">Width in pixels.</param>
/// <param name="height">Height in pixels.</param>
internal sealed class SvgPicture(double width, double height)
{
    private static readonly XNamespace Svg = "http://www.w3.org/2000/svg";

    private readonly XElement _root = new(
        Svg + "svg", new XAttribute("viewBox", FormattableString.Invariant($"0 0 {width} {height}")),
        new XAttribute("font-family", "system-ui, -apple-system, 'Segoe UI', 'DejaVu Sans', sans-serif"),
        new XAttribute("font-size", 13), new XAttribute("role", "img"));

    /// <summary>The width of a text, estimated: about 0.56 of the font size per letter.</summary>
    public static double WidthOf(string text, double size = 13) => 0.56 * size * text.Length;

    /// <summary>The text in lines that fit a width. A longer word has its own line.</summary>
    public static List<string> Wrapped(string text, double width, double size = 13)
    {
        var lines = new List<string> { "" };
        foreach (var word in text.Split(' ', StringSplitOptions.RemoveEmptyEntries))
        {
            var longer = lines[^1].Length == 0 ? word : $"{lines[^1]} {word}";
            if (WidthOf(longer, size) <= width || lines[^1].Length == 0)
            {
                lines[^1] = longer;
            }
            else
            {
                lines.Add(word);
            }
        }

        return lines;
    }

    /// <summary>Sets the rules of classes, and the text for screen readers.</summary>
    public void Begin(string style, string label)
    {
        _root.SetAttributeValue("aria-label", Printable(label));
        _root.Add(new XElement(Svg + "style", style));
        Add(_root, "rect", "back", ("width", width), ("height", height));
    }

    public void Line(string kind, double x1, double y1, double x2, double y2) =>
        Add(_root, "line", kind, ("x1", x1), ("y1", y1), ("x2", x2), ("y2", y2));

    public void Path(string kind, IEnumerable<(double X, double Y)> corners) =>
        _root.Add(
            new XElement(
                Svg + "polyline", new XAttribute("class", kind),
                new XAttribute("points", string.Join(' ', corners.Select(at => $"{Text(at.X)},{Text(at.Y)}")))));

    public void Write(string kind, double x, double y, string text, string anchor = "start", double turn = 0)
    {
        var element = Add(_root, "text", kind, ("x", x), ("y", y));
        element.SetAttributeValue("text-anchor", anchor);
        element.SetAttributeValue("transform", turn == 0 ? null : $"rotate({Text(turn)} {Text(x)} {Text(y)})");
        element.Value = Printable(text);
    }

    /// <summary>A circle, square, triangle or diamond, so that series differ without color.</summary>
    /// <param name="kind">Class.</param>
    /// <param name="shape">Number of the shape.</param>
    /// <param name="x">Center.</param>
    /// <param name="y">Center.</param>
    /// <param name="tip">Shown on hover, where the picture is opened by itself.</param>
    public void Mark(string kind, int shape, double x, double y, string? tip = null)
    {
        var path = (shape % 4) switch
        {
            0 => "m-4.5,0a4.5,4.5 0 1 0 9,0a4.5,4.5 0 1 0 -9,0z",
            1 => "m-4,-4h8v8h-8z",
            2 => "m0,-5.5l5.2,9h-10.4z",
            _ => "m0,-5.5l5.5,5.5l-5.5,5.5l-5.5,-5.5z",
        };
        var mark = new XElement(
            Svg + "path", new XAttribute("class", kind), new XAttribute("d", $"M{Text(x)},{Text(y)}{path}"));
        if (tip is not null)
        {
            mark.Add(new XElement(Svg + "title", Printable(tip)));
        }

        _root.Add(mark);
    }

    public override string ToString() => $"{_root}\n";

    private static XElement Add(XElement parent, string name, string kind, params (string Name, double Value)[] values)
    {
        var element = new XElement(Svg + name, new XAttribute("class", kind));
        foreach (var (key, value) in values)
        {
            element.SetAttributeValue(key, Text(value));
        }

        parent.Add(element);
        return element;
    }

    private static string Text(double value) => value.ToString("0.#", CultureInfo.InvariantCulture);

    // XML has no control characters.
    private static string Printable(string text) =>
        string.Concat(text.Select(letter => char.IsControl(letter) ? ' ' : letter));
}
