using MoCoSharp.Data.Images;
using MoCoSharp.Data.Views;

namespace MoCoSharp.Detection.Pictures;

/// <summary>Draws boxes, lines and labels on an image.</summary>
internal sealed class Sketch
{
    /// <summary>Font size of labels, in pixels.</summary>
    public const int TextSize = 13;

    /// <summary>Font size of titles, in pixels.</summary>
    public const int TitleSize = 18;

    private const double Saturation = 0.8;

    private static readonly (byte, byte, byte) Black = (0, 0, 0);
    private static readonly (byte, byte, byte) White = (255, 255, 255);

    private readonly byte[] _pixels; // [H, W, 3]

    /// <summary>Creates an empty image.</summary>
    public Sketch(int width, int height)
    {
        (Width, Height, _pixels) = (width, height, new byte[3 * width * height]);
        _pixels.AsSpan().Fill(255);
        Image = new ImageBuffer(width, height, _pixels);
    }

    /// <summary>Creates a copy of an image, resized to a maximum length of the longer side.</summary>
    public static Sketch Of(ImageBuffer image, int longest)
    {
        using var canvas = new ViewCanvas(image);
        var longer = Math.Max(image.Width, image.Height);
        if (longer > longest)
        {
            new Resize(Math.Max(1, (int)(Math.Min(image.Width, image.Height) * (long)longest / longer))).Apply(canvas);
        }

        var sketch = new Sketch(canvas.Width, canvas.Height);
        canvas.Pixels.CopyTo(sketch._pixels);
        return sketch;
    }

    public int Width { get; }

    public int Height { get; }

    public ImageBuffer Image { get; }

    /// <summary>The color of a class. Adjacent classes have very different colors.</summary>
    public static (byte Red, byte Green, byte Blue) ColorOf(int label)
    {
        var hue = label * 0.618034 % 1 * 6;
        return (Channel(hue + 5), Channel(hue + 3), Channel(hue + 1));

        static byte Channel(double k)
        {
            k %= 6;
            return (byte)(225 * (1 - (Saturation * Math.Clamp(Math.Min(k, 4 - k), 0, 1))));
        }
    }

    public void Fill(int left, int top, int width, int height, (byte Red, byte Green, byte Blue) color)
    {
        for (var y = Math.Max(0, top); y < Math.Min(Height, top + height); y++)
        {
            for (var x = Math.Max(0, left); x < Math.Min(Width, left + width); x++)
            {
                var at = 3 * ((y * Width) + x);
                (_pixels[at], _pixels[at + 1], _pixels[at + 2]) = color;
            }
        }
    }

    /// <summary>
    /// Draws the outline of a box, between dark and light lines of one pixel: it is seen on every image.
    /// </summary>
    public void Outline(
        double left, double top, double right, double bottom, (byte Red, byte Green, byte Blue) color, int thickness)
    {
        int l = (int)Math.Round(left),
            t = (int)Math.Round(top),
            w = Math.Max(1, (int)Math.Round(right) - l),
            h = Math.Max(1, (int)Math.Round(bottom) - t);
        Frame(l - 1, t - 1, w + 2, h + 2, Contrast(color), 1);
        Frame(l + thickness, t + thickness, w - (2 * thickness), h - (2 * thickness), Contrast(color), 1);
        Frame(l, t, w, h, color, thickness);
    }

    private void Frame(int left, int top, int width, int height, (byte, byte, byte) color, int thickness)
    {
        Fill(left, top, width, thickness, color);
        Fill(left, top + height - thickness, width, thickness, color);
        Fill(left, top, thickness, height, color);
        Fill(left + width - thickness, top, thickness, height, color);
    }

    /// <summary>Black or white, whichever differs more from a color.</summary>
    private static (byte, byte, byte) Contrast((byte Red, byte Green, byte Blue) color) =>
        (0.299 * color.Red) + (0.587 * color.Green) + (0.114 * color.Blue) > 128 ? Black : White;

    /// <summary>Draws a straight line, two pixels thick.</summary>
    public void Line(double x0, double y0, double x1, double y1, (byte, byte, byte) color)
    {
        var steps = (int)Math.Ceiling(Math.Max(Math.Abs(x1 - x0), Math.Abs(y1 - y0))) + 1;
        for (var i = 0; i <= steps; i++)
        {
            Fill(
                (int)Math.Round(x0 + ((x1 - x0) * i / steps)), (int)Math.Round(y0 + ((y1 - y0) * i / steps)), 2, 2,
                color);
        }
    }

    /// <summary>Draws a text on a colored background, inside the image.</summary>
    public void Label(double left, double top, string text, (byte Red, byte Green, byte Blue) ground)
    {
        const int padding = 3;
        text = PictureText.Cut(text, Width - (2 * padding), TextSize);
        var (width, height) = (PictureText.Width(text, TextSize) + (2 * padding), PictureText.Height(TextSize));
        int x = Math.Clamp((int)left, 0, Math.Max(0, Width - width)),
            y = Math.Clamp((int)top, 0, Math.Max(0, Height - height));
        Fill(x, y, width, height, ground);
        Text(x + padding, y, text, Contrast(ground));
    }

    public void Text(int left, int top, string text, (byte, byte, byte) color, int size = TextSize) =>
        PictureText.Draw(Image, left, top, text, color, size);

    /// <summary>Draws another sketch at a place of this one.</summary>
    public void Place(Sketch other, int left, int top)
    {
        for (var y = 0; y < other.Height && top + y < Height; y++)
        {
            other
                ._pixels.AsSpan(3 * y * other.Width, 3 * Math.Min(other.Width, Width - left))
                .CopyTo(_pixels.AsSpan(3 * (((top + y) * Width) + left)));
        }
    }
}
