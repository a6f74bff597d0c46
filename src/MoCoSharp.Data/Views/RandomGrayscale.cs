using static System.FormattableString;

namespace MoCoSharp.Data.Views;

/// <summary>Converts to grayscale, with a probability.</summary>
/// <param name="probability">Probability of the conversion, 0 to 1.</param>
internal sealed class RandomGrayscale(double probability) : IViewOperation
{
    /// <summary>Whether this view becomes gray.</summary>
    public bool Draw(ref SampleRandom random) => random.NextDouble() < probability;

    /// <summary>Sets all three channels to the luma if <paramref name="draw"/> is true.</summary>
    public static void Apply(ViewCanvas canvas, bool draw)
    {
        ArgumentNullException.ThrowIfNull(canvas);
        if (draw)
        {
            PixelColor.Gray(canvas.EditUnmirrored(), canvas.Vectors);
        }
    }

    /// <inheritdoc/>
    public void Apply(ViewCanvas canvas, ref SampleRandom random) => Apply(canvas, Draw(ref random));

    /// <inheritdoc/>
    public string Describe() => Invariant($"grayscale, probability {probability}");
}
