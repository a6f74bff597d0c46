using MoCoSharp.Data.Images;
using MoCoSharp.Data.Views;

namespace MoCoSharp.Data.Datasets;

/// <summary>
/// Generated images of ten families of patterns, to try everything without a data set. The family is the label.
/// </summary>
/// <remarks>
/// Each image has its own angle, scale, phase and place. Before noise is added, all images have the same distribution
/// of colors. Otherwise a network would learn only color or brightness.
/// </remarks>
internal sealed class Patterns : IImageDataset
{
    private const double NoiseDeviation = 12; // of 255
    // Share of the darkest pixels that are set to level 0, and of the lightest that are set to level 1.
    private const double Dark = 0.4;

    private static readonly string[] Families =
        ["stripes", "checks", "rings", "rays", "waves", "dots", "zigzag", "spiral", "hexagons", "bricks"];

    // From dark to light: blue, rose, sand.
    private static readonly (double R, double G, double B)[] Palette = [(38, 70, 122), (196, 94, 112), (240, 214, 160)];

    private const long KeptBytes = 64 << 20;

    private readonly int _size;
    private readonly long _seed;
    private readonly byte[]?[]? _drawn; // pixels by index; null if all images would not fit in KeptBytes

    /// <summary>A set that differs for each seed.</summary>
    /// <param name="count">Number of images, above 0.</param>
    /// <param name="size">Width and height in pixels, 8 to 1024.</param>
    /// <param name="seed">Fixes all images.</param>
    public Patterns(int count, int size, long seed)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(count);
        ArgumentOutOfRangeException.ThrowIfLessThan(size, 8);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(size, 1024);
        _size = size;
        Count = count;
        _seed = seed;
        _drawn = 3L * size * size * count <= KeptBytes ? new byte[count][] : null;
    }

    /// <inheritdoc/>
    public int Count { get; }

    /// <inheritdoc/>
    public IReadOnlyList<string> ClassNames => Families;

    /// <inheritdoc/>
    public string Description => "patterns";

    /// <summary>Draws an image. Small sets keep their images: drawing takes longer than making a view.</summary>
    /// <param name="index">0 to Count - 1. The family is index mod 10.</param>
    public LabeledImage Read(int index)
    {
        var family = LabelOf(index);
        // Two threads may draw the same image; both draw the same pixels
        var pixels = _drawn is null ? Draw(index, family) : _drawn[index] ??= Draw(index, family);
        return new(new ImageBuffer(_size, _size, pixels, offset: 0), family);
    }

    private byte[] Draw(int index, int family)
    {
        var random = RandomStreams.Pattern(_seed, index);
        var (sin, cos) = Math.SinCos(random.NextDouble(0, 2 * Math.PI));
        var period = random.NextDouble(0.1, 0.18) * _size; // pixels
        var (shiftX, shiftY) = (random.NextDouble(), random.NextDouble()); // phase, in periods
        var (centerX, centerY) = (random.NextDouble(0.3, 0.7) * _size, random.NextDouble(0.3, 0.7) * _size);
        var arms = 4 + random.NextInt(4);
        var heights = new double[_size * _size];
        var places = new int[_size * _size];
        for (var i = 0; i < heights.Length; i++)
        {
            var (y, x) = Math.DivRem(i, _size);
            var u = (((x * cos) + (y * sin)) / period) + shiftX;
            var v = (((y * cos) - (x * sin)) / period) + shiftY;
            var (dx, dy) = (x - centerX, y - centerY);
            heights[i] = Height(
                family, u, v, Length(dx, dy) / period, (Math.Atan2(dy, dx) / (2 * Math.PI)) + shiftX, arms, shiftY);
            places[i] = i;
        }

        // By rank, not by height: so all images have each color equally often.
        Array.Sort(heights, places);
        var pixels = new byte[3 * places.Length];
        for (var rank = 0; rank < places.Length; rank++)
        {
            var level = Math.Clamp((((rank + 0.5) / places.Length) - Dark) / (1 - (2 * Dark)), 0, 1);
            Paint(level, NoiseDeviation * random.NextGaussian(), pixels.AsSpan(3 * places[rank], 3));
        }

        return pixels;
    }

    /// <inheritdoc/>
    public int LabelOf(int index) =>
        index >= 0 && index < Count
            ? index % Families.Length
            : throw new ArgumentOutOfRangeException(nameof(index), index, $"Expected 0 to {Count - 1}.");

    /// <inheritdoc/>
    public string NameOf(int index) => $"patterns#{index}";

    // Brightness at a place, relative to the rest of the image. u and v are in periods along the axes of the pattern.
    // The radius is in periods and the angle in turns, about the center.
    private static double Height(int family, double u, double v, double radius, double angle, int arms, double phase) =>
        family switch
    {
        0 => Wave(u),
        1 => Check(Ramp(u), Ramp(v)),
        2 => Wave(radius + phase),
        3 => Wave(angle * arms),
        4 => Wave(u + (0.5 * Wave(v * 0.3))),
        5 => -Length(Cell(u), Cell(v)),
        6 => Wave(u + (2.2 * Math.Abs(Cell(v * 0.6)))),
        7 => Wave(radius + (angle * 2)),
        8 => -Math.Abs(Hexagon(0.7 * u, 0.7 * v) - 0.33), // outlined; filled ones would look like dots
        _ => Math.Min(
            0.5 - Math.Abs(Cell(v * 1.2)),
            1.6 * (0.5 - Math.Abs(Cell((u * 0.6) + (0.5 * (Math.Round(v * 1.2) % 2)))))),
    };

    // Square level lines. A product would have round ones, like the dots.
    private static double Check(double a, double b) => Math.Sign(a * b) * Math.Min(Math.Abs(a), Math.Abs(b));

    private static double Ramp(double turns) => 0.25 - Math.Abs(Cell(turns));

    // Distance from the nearest center of a honeycomb, measured so that the border of a cell is a level line.
    private static double Hexagon(double u, double v)
    {
        var root = Math.Sqrt(3);
        var (x, y) = (Cell(u), root * Cell(v / root));
        var (otherX, otherY) = (Cell(u - 0.5), root * Cell((v / root) - 0.5));
        if (Length(otherX, otherY) < Length(x, y))
        {
            (x, y) = (otherX, otherY);
        }

        return Math.Max(Math.Abs(x), (0.5 * Math.Abs(x)) + (0.5 * root * Math.Abs(y)));
    }

    private static double Wave(double turns) => Math.Sin(2 * Math.PI * turns);

    // Signed distance to the nearest whole number: -0.5 to 0.5.
    private static double Cell(double value) => value - Math.Round(value);

    private static double Length(double a, double b) => Math.Sqrt((a * a) + (b * b));

    private static void Paint(double level, double noise, Span<byte> pixel)
    {
        var place = level * (Palette.Length - 1);
        var first = Math.Min((int)place, Palette.Length - 2);
        var share = place - first;
        var (a, b) = (Palette[first], Palette[first + 1]);
        pixel[0] = Byte(a.R + (share * (b.R - a.R)) + noise);
        pixel[1] = Byte(a.G + (share * (b.G - a.G)) + noise);
        pixel[2] = Byte(a.B + (share * (b.B - a.B)) + noise);
    }

    private static byte Byte(double value) => (byte)Math.Clamp(Math.Round(value), 0, 255);
}
