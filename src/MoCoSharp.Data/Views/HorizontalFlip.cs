using static System.FormattableString;

namespace MoCoSharp.Data.Views;

/// <summary>Swaps left and right, with a probability.</summary>
/// <param name="probability">Probability of the flip, 0 to 1.</param>
internal sealed class HorizontalFlip(double probability = 0.5) : IViewOperation
{
    /// <summary>Whether this view is mirrored.</summary>
    public bool Draw(ref SampleRandom random) => random.NextDouble() < probability;

    /// <summary>Mirrors if <paramref name="draw"/> is true. The canvas delays it until the pixels are needed.</summary>
    public static void Apply(ViewCanvas canvas, bool draw)
    {
        ArgumentNullException.ThrowIfNull(canvas);
        if (draw)
        {
            canvas.Mirror();
        }
    }

    /// <inheritdoc/>
    public void Apply(ViewCanvas canvas, ref SampleRandom random) => Apply(canvas, Draw(ref random));

    /// <inheritdoc/>
    public string Describe() => Invariant($"horizontal flip, probability {probability}");
}
