using System.Globalization;
using MoCoSharp.Data.Kernels;
using static System.FormattableString;

namespace MoCoSharp.Data.Views;

/// <summary>The four changes of color jitter.</summary>
internal enum ColorChange
{
    /// <summary>Blends with black.</summary>
    Brightness,

    /// <summary>Blends with the mean gray of the image.</summary>
    Contrast,

    /// <summary>Blends with the gray of each pixel.</summary>
    Saturation,

    /// <summary>Rotates the hue.</summary>
    Hue,
}

/// <summary>The random parameters of one view's color jitter.</summary>
/// <param name="Applied">Whether the jitter is applied.</param>
/// <param name="Order">The four changes in the order of their application.</param>
/// <param name="Brightness">Factor, 0 or more; 1 changes nothing.</param>
/// <param name="Contrast">Factor, 0 or more; 1 changes nothing.</param>
/// <param name="Saturation">Factor, 0 or more; 1 changes nothing.</param>
/// <param name="Hue">Rotation as a part of the circle, -0.5 to 0.5.</param>
internal readonly record struct ColorJitterDraw(
    bool Applied, ColorOrder Order, double Brightness, double Contrast, double Saturation, double Hue);

/// <summary>An order of the four color changes.</summary>
/// <param name="First">Applied first.</param>
/// <param name="Second">Applied second.</param>
/// <param name="Third">Applied third.</param>
/// <param name="Fourth">Applied last.</param>
internal readonly record struct ColorOrder(
    ColorChange First, ColorChange Second, ColorChange Third, ColorChange Fourth);

/// <summary>Random brightness, contrast, saturation and hue, in random order.</summary>
/// <param name="brightness">Strength x: the factor is uniform in [max(0, 1 - x), 1 + x].</param>
/// <param name="contrast">Strength, as for brightness.</param>
/// <param name="saturation">Strength, as for brightness.</param>
/// <param name="hue">Strength h, 0 to 0.5: the rotation is uniform in [-h, h]. 0 skips the change.</param>
/// <param name="probability">Probability that the jitter is applied, 0 to 1.</param>
/// <remarks>torchvision's ColorJitter within RandomApply, on PIL images.</remarks>
internal sealed class ColorJitter(
    double brightness, double contrast, double saturation, double hue, double probability = 1
) : IViewOperation
{
    private const int Block = 3 << 12; // bytes

    /// <summary>Draws the order and all factors, even if the jitter is not applied.</summary>
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

        // Contrast needs the mean after the changes before it. All others work block by block, in the L1 cache.
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
    public string Describe() => string.Create(
        CultureInfo.InvariantCulture,
        $"color jitter (brightness {brightness}, contrast {contrast}, saturation {saturation}, hue {hue}, " +
        $"random order), probability {probability}");

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
                case ColorChange.Hue when hue > 0: // 8-bit HSV rounds, even for a rotation by 0
                    PixelColor.Hue(pixels, draw.Hue, vectors);
                    break;
            }
        }
    }
}
