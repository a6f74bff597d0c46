using static System.FormattableString;

namespace MoCoSharp.Data.Views;

/// <summary>Takes the colour away, sometimes.</summary>
/// <param name="probability">0 to 1.</param>
public sealed class RandomGrayscale(double probability) : IViewOperation
{
    /// <summary>Whether this view becomes grey.</summary>
    public bool Draw(ref SampleRandom random) => random.NextDouble() < probability;

    /// <summary>Sets all three channels to the luma where <paramref name="draw"/> says so.</summary>
    public static void Apply(ViewCanvas canvas, bool draw)
    {
        ArgumentNullException.ThrowIfNull(canvas);
        if (!draw)
        {
            return;
        }

        var pixels = canvas.Edit();
        for (var i = 0; i + 2 < pixels.Length; i += 3)
        {
            var luma = PixelColor.Luma(pixels[i], pixels[i + 1], pixels[i + 2]);
            pixels[i] = pixels[i + 1] = pixels[i + 2] = luma;
        }
    }

    /// <inheritdoc/>
    public void Apply(ViewCanvas canvas, ref SampleRandom random) => Apply(canvas, Draw(ref random));

    /// <inheritdoc/>
    public string Describe() => Invariant($"greyscale, probability {probability}");
}
