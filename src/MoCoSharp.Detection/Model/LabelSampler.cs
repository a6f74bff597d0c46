using MoCoSharp.Data.Views;

namespace MoCoSharp.Detection.Model;

/// <summary>Draws some objects and some background to learn from: of most boxes there is nothing to learn.</summary>
internal static class LabelSampler
{
    /// <summary>At most so many boxes, at most a share of them objects; what objects lack, background fills.</summary>
    /// <param name="labels">By box, as <see cref="BoxMatcher"/> gives them.</param>
    /// <param name="count">In all, above 0.</param>
    /// <param name="objectShare">0 to 1.</param>
    /// <param name="random">Draws, without replacement.</param>
    /// <returns>Indices of boxes, rising.</returns>
    public static (int[] Objects, int[] Background) Sample(
        ReadOnlySpan<sbyte> labels, int count, double objectShare, ref SampleRandom random)
    {
        List<int> objects = [], background = [];
        for (var i = 0; i < labels.Length; i++)
        {
            if (labels[i] == BoxMatcher.Object)
            {
                objects.Add(i);
            }
            else if (labels[i] == BoxMatcher.Background)
            {
                background.Add(i);
            }
        }

        var objectsTaken = Draw(objects, Math.Min(objects.Count, (int)(count * objectShare)), ref random);
        return (objectsTaken, Draw(background, Math.Min(background.Count, count - objectsTaken.Length), ref random));
    }

    // The first steps of a shuffle.
    private static int[] Draw(List<int> from, int count, ref SampleRandom random)
    {
        for (var i = 0; i < count; i++)
        {
            var j = i + random.NextInt(from.Count - i);
            (from[i], from[j]) = (from[j], from[i]);
        }

        var drawn = from.GetRange(0, count).ToArray();
        Array.Sort(drawn);
        return drawn;
    }
}
