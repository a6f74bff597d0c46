using static System.FormattableString;

namespace MoCoSharp.Data.Views;

/// <summary>Takes the colour away, sometimes.</summary>
/// <param name="probability">0 to 1.</param>
internal sealed class RandomGrayscale(double probability) : IViewOperation
{
    /// <summary>Whether this view becomes grey.</summary>
    public bool Draw(ref SampleRandom random) => random.NextDouble() < probability;

    /// <summary>Sets all three channels to the luma where <paramref name="draw"/> says so.</summary>
    public static void Apply(ViewCanvas canvas, bool draw)
    {
        ArgumentNullException.ThrowIfNull(canvas);
        if (draw)
        {
            PixelColor.Grey(canvas.EditUnmirrored(), canvas.Vectors);
        }
    }

    /// <inheritdoc/>
    public void Apply(ViewCanvas canvas, ref SampleRandom random) => Apply(canvas, Draw(ref random));

    /// <inheritdoc/>
    public string Describe() => Invariant($"greyscale, probability {probability}");
}
