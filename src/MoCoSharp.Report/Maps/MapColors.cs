namespace MoCoSharp.Report.Maps;

/// <summary>Colors of classes, readable on light and dark ground.</summary>
internal static class MapColors
{
    private const double GoldenAngle = 137.508; // degrees: neighbors in the list differ most

    private static readonly (byte, byte, byte) None = (0x7a, 0x84, 0x8d);

    // Classes beyond these get turns of the golden angle.
    private static readonly (byte Red, byte Green, byte Blue)[] First =
    [
        (0x2f, 0x7e, 0xd8), (0xe6, 0x7e, 0x22), (0x27, 0x9b, 0x4e), (0xd6, 0x3b, 0x3b), (0x8e, 0x5b, 0xc7),
        (0x9c, 0x6b, 0x4f), (0xd9, 0x5f, 0xa8), (0x4f, 0x5d, 0xa3), (0xa8, 0xa1, 0x1e), (0x1f, 0xa6, 0xb3),
    ];

    /// <summary>The color of a class.</summary>
    /// <param name="label">The number of the class; -1 is the color of images without one.</param>
    public static (byte Red, byte Green, byte Blue) Of(int label) =>
        label < 0 ? None : label < First.Length ? First[label] : FromHue(label * GoldenAngle % 360);

    /// <summary>The color for a style sheet: "#2f7ed8".</summary>
    public static string Css(int label)
    {
        var (red, green, blue) = Of(label);
        return $"#{red:x2}{green:x2}{blue:x2}";
    }

    // Of half the lightness, with three fifths of the saturation.
    private static (byte Red, byte Green, byte Blue) FromHue(double hue)
    {
        return (Channel(0), Channel(8), Channel(4));

        byte Channel(int place)
        {
            var turn = (place + (hue / 30)) % 12;
            var share = 0.5 - (0.3 * Math.Clamp(Math.Min(turn - 3, 9 - turn), -1, 1));
            return (byte)Math.Round(255 * share);
        }
    }
}
