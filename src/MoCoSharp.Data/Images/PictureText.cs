using System.Globalization;
using System.Text;
using SkiaSharp;

namespace MoCoSharp.Data.Images;

/// <summary>
/// Text in pictures, in DejaVu Sans. The letters come with the program: Latin, Greek, Cyrillic and Hebrew. For others,
/// the fonts of Windows or macOS are asked; a letter without a font is a box.
/// </summary>
internal static class PictureText
{
    /// <summary>Pixels from the top of a line to its letters' base, for a size of 1.</summary>
    private const double Ascent = 0.93;

    private const int Missing = 0x25a1; // a box

    private static readonly Lazy<SKTypeface> Face = new(Load);

    /// <summary>Height of a line in pixels.</summary>
    /// <param name="size">Font size in pixels.</param>
    public static int Height(double size) => (int)Math.Ceiling(1.17 * size);

    /// <summary>Width of a text in pixels.</summary>
    /// <param name="text">Any text: control characters and direction marks are drawn as boxes.</param>
    /// <param name="size">Font size in pixels.</param>
    public static int Width(string text, double size)
    {
        var width = 0f;
        foreach (var (run, face) in Runs(text))
        {
            using var font = Font(face, size);
            width += font.MeasureText(run);
        }

        return (int)Math.Ceiling(width);
    }

    /// <summary>The text if it fits, otherwise its beginning and end with an ellipsis between them.</summary>
    /// <param name="text">Any text.</param>
    /// <param name="width">Pixels.</param>
    /// <param name="size">Font size in pixels.</param>
    public static string Cut(string text, int width, double size)
    {
        var letters = StringInfo.ParseCombiningCharacters(text);
        var cut = text;
        for (var kept = Math.Min(letters.Length, width); Width(cut, size) > width && kept > 0; kept--)
        {
            var tail = kept * 2 / 5; // numbers and endings of file names
            cut = kept < letters.Length
                ? $"{text[..letters[kept - tail]]}…{text[(tail == 0 ? text.Length : letters[^tail])..]}"
                : text;
        }

        return Width(cut, size) > width ? "" : cut;
    }

    /// <summary>Draws one line of text. Parts outside the image are clipped.</summary>
    /// <param name="image">Target.</param>
    /// <param name="left">Left edge, in pixels.</param>
    /// <param name="top">Top edge of the line, in pixels.</param>
    /// <param name="text">Any text: control characters and direction marks are drawn as boxes.</param>
    /// <param name="color">Red, green and blue.</param>
    /// <param name="size">Font size in pixels.</param>
    /// <param name="upward">Whether the text runs upward from the point, along the left side of it.</param>
    public static void Draw(
        ImageBuffer image, int left, int top, string text, (byte Red, byte Green, byte Blue) color, double size,
        bool upward = false)
    {
        ArgumentNullException.ThrowIfNull(image);
        var (width, height) = (Width(text, size) + 2, Height(size) + 2);
        using var ink = new SKBitmap(new SKImageInfo(width, height, SKColorType.Alpha8, SKAlphaType.Premul));
        using var canvas = new SKCanvas(ink);
        using var paint = new SKPaint { IsAntialias = true };
        canvas.Clear(SKColors.Transparent);
        var x = 0f;
        foreach (var (run, face) in Runs(text))
        {
            using var font = Font(face, size);
            canvas.DrawText(run, x, (float)(Ascent * size), font, paint);
            x += font.MeasureText(run);
        }

        canvas.Flush();
        var cover = ink.GetPixelSpan();
        for (var at = 0; at < width * height; at++)
        {
            var alpha = cover[(at / width * ink.RowBytes) + (at % width)];
            var (right, down) = upward ? (at / width, -(at % width)) : (at % width, at / width);
            Blend(image, left + right, top + down, color, alpha);
        }
    }

    private static void Blend(ImageBuffer image, int x, int y, (byte Red, byte Green, byte Blue) color, byte alpha)
    {
        if (alpha == 0 || x < 0 || y < 0 || x >= image.Width || y >= image.Height)
        {
            return;
        }

        var pixel = image.Pixels.AsSpan(3 * ((y * image.Width) + x), 3);
        pixel[0] = Mix(pixel[0], color.Red);
        pixel[1] = Mix(pixel[1], color.Green);
        pixel[2] = Mix(pixel[2], color.Blue);

        byte Mix(byte under, byte over) => (byte)(((under * (255 - alpha)) + (over * alpha) + 127) / 255);
    }

    // Parts of one font each. Hebrew parts are turned around: Skia draws letters in the order of the text.
    private static IEnumerable<(string Text, SKTypeface Face)> Runs(string text)
    {
        return text.EnumerateRunes()
            .Select(letter => Drawn(letter))
            .Aggregate(new List<(List<Rune> Letters, SKTypeface Face, bool Turns)>(), (runs, drawn) =>
            {
                if (runs is [.., var last] && last.Face == drawn.Face && last.Turns == drawn.Turns)
                {
                    last.Letters.Add(drawn.Letter);
                }
                else
                {
                    runs.Add(([drawn.Letter], drawn.Face, drawn.Turns));
                }

                return runs;
            })
            .Select(run => (string.Concat(run.Turns ? Enumerable.Reverse(run.Letters) : run.Letters), run.Face));

        static (Rune Letter, SKTypeface Face, bool Turns) Drawn(Rune letter)
        {
            var face = Face.Value;
            if (Rune.GetUnicodeCategory(letter) is UnicodeCategory.Control or UnicodeCategory.Format
                || (!face.ContainsGlyph(letter.Value)
                    && (face = SKFontManager.Default.MatchCharacter(letter.Value)) is null))
            {
                (letter, face) = (new Rune(Missing), Face.Value);
            }

            return (letter, face, letter.Value is >= 0x590 and < 0x600);
        }
    }

    private static SKFont Font(SKTypeface face, double size) =>
        new(face, (float)size) { Edging = SKFontEdging.Antialias, Hinting = SKFontHinting.None, Subpixel = true };

    private static SKTypeface Load()
    {
        using var stream = typeof(PictureText).Assembly.GetManifestResourceStream("DejaVuSans.ttf")
            ?? throw new InvalidOperationException("MoCoSharp.Data has no font DejaVuSans.ttf.");
        using var data = SKData.Create(stream);
        return SKTypeface.FromData(data) ?? throw new InvalidOperationException("DejaVuSans.ttf cannot be read.");
    }
}
