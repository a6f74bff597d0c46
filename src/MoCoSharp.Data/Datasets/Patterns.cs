using MoCoSharp.Data.Images;
using MoCoSharp.Data.Views;

namespace MoCoSharp.Data.Datasets;

/// <summary>
/// Generated images of ten families of pattern, to try everything without a data set. Family is the label; angle, scale, phase and place are
/// the image's own; palette and contrast are shared by all, since colour or light that differ by image would be all that is learned.
/// </summary>
public sealed class Patterns : IImageDataset
{
    private const int Side = 40;
    private const double NoiseDeviation = 10; // of 255

    private static readonly string[] Families =
        ["stripes", "checks", "rings", "rays", "waves", "dots", "zigzag", "spiral", "hexagons", "bricks"];

    // From dark to light: blue, rose, sand.
    private static readonly (double R, double G, double B)[] Palette = [(38, 70, 122), (196, 94, 112), (240, 214, 160)];

    private readonly long seed;

    /// <summary>A set of its own for each seed.</summary>
    /// <param name="count">Number of images, above 0.</param>
    /// <param name="seed">Fixes them all.</param>
    public Patterns(int count, long seed)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(count);
        Count = count;
        this.seed = seed;
    }

    /// <inheritdoc/>
    public int Count { get; }

    /// <inheritdoc/>
    public IReadOnlyList<string> ClassNames => Families;

    /// <inheritdoc/>
    public string Description => "patterns";

    /// <summary>Draws an image of 40 x 40 pixels.</summary>
    /// <param name="index">Family is index mod 10.</param>
    public LabelledImage Read(int index)
    {
        var random = new SampleRandom(seed, 0, index, 0);
        var family = LabelOf(index);
        var (sin, cos) = Math.SinCos(random.NextDouble(0, 2 * Math.PI));
        var period = random.NextDouble(4, 7); // pixels
        var (shiftX, shiftY) = (random.NextDouble(), random.NextDouble()); // phase, in periods
        var (centreX, centreY) = (random.NextDouble(0.3, 0.7) * Side, random.NextDouble(0.3, 0.7) * Side);
        var arms = 4 + random.NextInt(4);
        var pixels = new byte[3 * Side * Side];
        for (var y = 0; y < Side; y++)
        {
            for (var x = 0; x < Side; x++)
            {
                var u = (((x * cos) + (y * sin)) / period) + shiftX;
                var v = (((y * cos) - (x * sin)) / period) + shiftY;
                var (dx, dy) = (x - centreX, y - centreY);
                var radius = Math.Sqrt((dx * dx) + (dy * dy)) / period;
                var angle = (Math.Atan2(dy, dx) / (2 * Math.PI)) + shiftX; // turns
                Paint(Level(family, u, v, radius, angle, arms, shiftY), ref random, pixels.AsSpan(3 * ((y * Side) + x), 3));
            }
        }

        return new(new ImageBuffer(Side, Side, pixels), family);
    }

    /// <inheritdoc/>
    public int LabelOf(int index) => index % Families.Length;

    /// <inheritdoc/>
    public string NameOf(int index) => $"patterns#{index}";

    // A level in [0, 1] for a place: u and v in periods along the pattern's own axes; radius in periods and angle in turns about its centre.
    private static double Level(int family, double u, double v, double radius, double angle, int arms, double phase) => family switch
    {
        0 => Soft(Wave(u)),
        1 => Soft(Wave(u) * Wave(v) * 1.6),
        2 => Soft(Wave(radius + phase)),
        3 => Soft(Wave(angle * arms)),
        4 => Soft(Wave(u + (0.35 * Wave(v * 0.7)))),
        5 => Soft(3 * (0.32 - Distance(Cell(u), Cell(v)))),
        6 => Soft(Wave(u + (0.9 * Math.Abs(Cell(v * 0.6))))),
        7 => Soft(Wave(radius + (angle * 2))),
        8 => Soft(1.2 * ((Wave(u * 1.1) + Wave(((u * -0.5) + (v * 0.866)) * 1.1) + Wave(((u * -0.5) - (v * 0.866)) * 1.1)) - 0.4)),
        _ => Soft(6 * (Math.Min(0.5 - Math.Abs(Cell(v)), 1.6 * (0.5 - Math.Abs(Cell((u * 0.6) + (0.5 * (Math.Floor(v + 0.5) % 2)))))) - 0.18)),
    };

    private static double Wave(double turns) => Math.Sin(2 * Math.PI * turns);

    // Distance to the nearest whole number, signed: -0.5 to 0.5.
    private static double Cell(double value) => value - Math.Round(value);

    private static double Distance(double a, double b) => Math.Sqrt((a * a) + (b * b));

    private static double Soft(double value) => 0.5 + (0.5 * Math.Tanh(2 * value));

    private static void Paint(double level, ref SampleRandom random, Span<byte> pixel)
    {
        var place = level * (Palette.Length - 1);
        var first = Math.Min((int)place, Palette.Length - 2);
        var share = place - first;
        var (a, b) = (Palette[first], Palette[first + 1]);
        var noise = NoiseDeviation * random.NextGaussian();
        pixel[0] = Byte(a.R + (share * (b.R - a.R)) + noise);
        pixel[1] = Byte(a.G + (share * (b.G - a.G)) + noise);
        pixel[2] = Byte(a.B + (share * (b.B - a.B)) + noise);
    }

    private static byte Byte(double value) => (byte)Math.Clamp(Math.Round(value), 0, 255);
}
