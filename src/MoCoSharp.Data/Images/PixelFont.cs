namespace MoCoSharp.Data.Images;

/// <summary>Capital letters of 5 x 7 pixels, so that pictures need no system font.</summary>
internal static class PixelFont
{
    /// <summary>Width of a letter with its gap, in pixels at scale 1.</summary>
    public const int Advance = 6;

    /// <summary>Height of a letter, in pixels at scale 1.</summary>
    public const int Height = 7;

    // 35 bits per letter, rows from the top, the left pixel first.
    private static readonly Dictionary<char, long> Letters = new()
    {
        ['A'] = 0x3A31FC631,
        ['B'] = 0x7A31F463E,
        ['C'] = 0x3A308422E,
        ['D'] = 0x7A318C63E,
        ['E'] = 0x7E10F421F,
        ['F'] = 0x7E10F4210,
        ['G'] = 0x3A30BC62F,
        ['H'] = 0x4631FC631,
        ['I'] = 0x38842108E,
        ['J'] = 0x1C4210A4C,
        ['K'] = 0x4654C5251,
        ['L'] = 0x42108421F,
        ['M'] = 0x4775AC631,
        ['N'] = 0x47359C631,
        ['O'] = 0x3A318C62E,
        ['P'] = 0x7A31F4210,
        ['Q'] = 0x3A318D64D,
        ['R'] = 0x7A31F5251,
        ['S'] = 0x3E107043E,
        ['T'] = 0x7C8421084,
        ['U'] = 0x46318C62E,
        ['V'] = 0x46318C544,
        ['W'] = 0x4631AD771,
        ['X'] = 0x462A22A31,
        ['Y'] = 0x462A21084,
        ['Z'] = 0x7C222221F,
        ['0'] = 0x3A33AE62E,
        ['1'] = 0x11842108E,
        ['2'] = 0x3A213221F,
        ['3'] = 0x7C441062E,
        ['4'] = 0x08CA97C42,
        ['5'] = 0x7E1E0862E,
        ['6'] = 0x1910F462E,
        ['7'] = 0x7C2222108,
        ['8'] = 0x3A317462E,
        ['9'] = 0x3A317844C,
        ['.'] = 0x00000018C,
        [','] = 0x000003088,
        ['-'] = 0x000070000,
        ['_'] = 0x00000001F,
        ['%'] = 0x674222173,
        ['('] = 0x088842082,
        [')'] = 0x208210888,
        ['/'] = 0x042222210,
        [':'] = 0x018C03180,
        ['='] = 0x001F07C00,
        ['+'] = 0x0084F9080,
        ['?'] = 0x3A2131004,
    };

    /// <summary>Width of a text, in pixels.</summary>
    public static int Width(string text, int scale = 1)
    {
        ArgumentNullException.ThrowIfNull(text);
        return Math.Max(0, (text.Length * Advance) - 1) * scale;
    }

    /// <summary>Draws a text. Parts outside the image are clipped; an unknown letter becomes a question mark.</summary>
    /// <param name="image">Target.</param>
    /// <param name="left">Left edge of the first letter, in pixels.</param>
    /// <param name="top">Top edge of the letters, in pixels.</param>
    /// <param name="text">The text. Small letters are drawn as capitals.</param>
    /// <param name="color">Red, green and blue.</param>
    /// <param name="scale">Above 0.</param>
    public static void Draw(
        ImageBuffer image, int left, int top, string text, (byte Red, byte Green, byte Blue) color, int scale = 1)
    {
        ArgumentNullException.ThrowIfNull(image);
        ArgumentNullException.ThrowIfNull(text);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(scale);
        foreach (var letter in text)
        {
            if (letter != ' ')
            {
                DrawLetter(
                    image, left, top,
                    Letters.GetValueOrDefault(char.ToUpperInvariant(letter), Letters['?']),
                    color,
                    scale);
            }

            left += Advance * scale;
        }
    }

    private static void DrawLetter(
        ImageBuffer image, int left, int top, long bits, (byte Red, byte Green, byte Blue) color, int scale)
    {
        for (var y = 0; y < Height * scale; y++)
        {
            for (var x = 0; x < 5 * scale; x++)
            {
                var bit = 34 - (((y / scale) * 5) + (x / scale));
                var (row, column) = (top + y, left + x);
                if (((bits >> bit) & 1) != 0 && row >= 0 && row < image.Height && column >= 0 && column < image.Width)
                {
                    var at = 3 * ((row * image.Width) + column);
                    (image.Pixels[at], image.Pixels[at + 1], image.Pixels[at + 2]) = color;
                }
            }
        }
    }
}
