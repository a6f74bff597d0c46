using MoCoSharp.Data.Views;

namespace MoCoSharp.Detection.Model;

/// <summary>Samples objects and background for training, because most boxes are easy background.</summary>
internal static class LabelSampler
{
    /// <summary>Samples boxes, with a maximum share of objects. Background fills the rest.</summary>
    /// <param name="labels">Label of each box, from <see cref="BoxMatcher"/>.</param>
    /// <param name="count">Maximum number of boxes, above 0.</param>
    /// <param name="objectShare">Maximum share of objects, 0 to 1.</param>
    /// <param name="random">Draws without replacement.</param>
    /// <returns>Indices of boxes, ascending.</returns>
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
