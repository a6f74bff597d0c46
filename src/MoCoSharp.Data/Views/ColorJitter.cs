using MoCoSharp.Data.Kernels;
using static System.FormattableString;

namespace MoCoSharp.Data.Views;

/// <summary>The four things that colour jitter changes.</summary>
internal enum ColorChange
{
    /// <summary>Blend with black.</summary>
    Brightness,

    /// <summary>Blend with the mean grey of the image.</summary>
    Contrast,

    /// <summary>Blend with the grey of each pixel.</summary>
    Saturation,

    /// <summary>A turn of the colour circle.</summary>
    Hue,
}

/// <summary>What one view's colour jitter does.</summary>
/// <param name="Applied">False leaves the image as it is.</param>
/// <param name="Order">The four changes in the order of their application.</param>
/// <param name="Brightness">Factor, 0 and up; 1 changes nothing.</param>
/// <param name="Contrast">Factor, 0 and up; 1 changes nothing.</param>
/// <param name="Saturation">Factor, 0 and up; 1 changes nothing.</param>
/// <param name="Hue">Part of a turn, -0.5 to 0.5.</param>
internal readonly record struct ColorJitterDraw(
    bool Applied, ColorOrder Order, double Brightness, double Contrast, double Saturation, double Hue);

/// <summary>An order of the four colour changes.</summary>
/// <param name="First">Applied first.</param>
/// <param name="Second">Applied second.</param>
/// <param name="Third">Applied third.</param>
/// <param name="Fourth">Applied last.</param>
internal readonly record struct ColorOrder(ColorChange First, ColorChange Second, ColorChange Third, ColorChange Fourth);

/// <summary>Random brightness, contrast, saturation and hue, in random order.</summary>
/// <param name="brightness">Strength x: the factor is uniform in [max(0, 1 - x), 1 + x].</param>
/// <param name="contrast">Strength, as for brightness.</param>
/// <param name="saturation">Strength, as for brightness.</param>
/// <param name="hue">Strength h, 0 to 0.5: the turn is uniform in [-h, h]. 0 leaves the hue out.</param>
/// <param name="probability">That the jitter is applied at all, 0 to 1.</param>
/// <remarks>torchvision's ColorJitter within RandomApply, on PIL images.</remarks>
internal sealed class ColorJitter(
    double brightness, double contrast, double saturation, double hue, double probability = 1
) : IViewOperation
{
    private const int Block = 3 << 12; // bytes

    /// <summary>Draws the order and all factors, also where the jitter is not applied.</summary>
    public ColorJitterDraw Draw(ref SampleRandom random)
    {
        var applied = random.NextDouble() < probability;
        Span<ColorChange> order =
        [
            ColorChange.Brightness, ColorChange.Contrast, ColorChange.Saturation, ColorChange.Hue,
        ];
        random.Shuffle(order);
        return new ColorJitterDraw(
            applied,
            new ColorOrder(order[0], order[1], order[2], order[3]),
            Factor(brightness, ref random),
            Factor(contrast, ref random),
            Factor(saturation, ref random),
            random.NextDouble(-hue, hue));
    }

    /// <summary>Applies the four changes in the draw's order, each rounded to 8 bits.</summary>
    public void Apply(ViewCanvas canvas, ColorJitterDraw draw)
    {
        ArgumentNullException.ThrowIfNull(canvas);
        if (!draw.Applied)
        {
            return;
        }

        ReadOnlySpan<ColorChange> order = [draw.Order.First, draw.Order.Second, draw.Order.Third, draw.Order.Fourth];
        var turn = order.IndexOf(ColorChange.Contrast);
        var pixels = canvas.EditUnmirrored();

        // Contrast needs the mean of what comes before it; all else is done block by block, in the nearest cache.
        long sum = 0;
        for (var at = 0; at < pixels.Length; at += Block)
        {
            var block = pixels[at..Math.Min(at + Block, pixels.Length)];
            Change(block, order[..turn], draw, canvas.Vectors);
            sum += PixelColor.LumaSum(block, canvas.Vectors);
        }

        var mean = PixelColor.Mean(sum, pixels.Length / 3);
        for (var at = 0; at < pixels.Length; at += Block)
        {
            var block = pixels[at..Math.Min(at + Block, pixels.Length)];
            PixelColor.Blend(block, mean, draw.Contrast, canvas.Vectors);
            Change(block, order[(turn + 1)..], draw, canvas.Vectors);
        }
    }

    /// <inheritdoc/>
    public void Apply(ViewCanvas canvas, ref SampleRandom random) => Apply(canvas, Draw(ref random));

    /// <inheritdoc/>
    public string Describe() =>
        Invariant(
            $"colour jitter (brightness {brightness}, contrast {contrast}, saturation {saturation}, hue {hue}, random order), probability {probability}"
        );

    private static double Factor(double strength, ref SampleRandom random) =>
        random.NextDouble(Math.Max(0, 1 - strength), 1 + strength);

    private void Change(Span<byte> pixels, ReadOnlySpan<ColorChange> changes, ColorJitterDraw draw, VectorWidth vectors)
    {
        foreach (var change in changes)
        {
            switch (change)
            {
                case ColorChange.Brightness:
                    PixelColor.Brightness(pixels, draw.Brightness, vectors);
                    break;
                case ColorChange.Saturation:
                    PixelColor.Saturation(pixels, draw.Saturation, vectors);
                    break;
                case ColorChange.Hue when hue > 0: // The way through 8-bit HSV loses a little even where the turn is 0.
                    PixelColor.Hue(pixels, draw.Hue, vectors);
                    break;
            }
        }
    }
}
