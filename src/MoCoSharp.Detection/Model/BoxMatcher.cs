namespace MoCoSharp.Detection.Model;

/// <summary>Matches boxes to objects by IoU.</summary>
/// <param name="low">Below this IoU a box is background.</param>
/// <param name="high">From this IoU on a box is an object. Boxes in between are ignored.</param>
/// <param name="keepsBest">Whether the best boxes of each object match it at any IoU above 0.</param>
internal sealed class BoxMatcher(float low, float high, bool keepsBest)
{
    /// <summary>The label of an ignored box.</summary>
    public const sbyte Ignored = -1;

    /// <summary>The label of background.</summary>
    public const sbyte Background = 0;

    /// <summary>The label of an object.</summary>
    public const sbyte Object = 1;

    /// <summary>Matches boxes to objects.</summary>
    /// <param name="objects">G objects. There may be none.</param>
    /// <param name="boxes">B boxes.</param>
    /// <returns>
    /// For each box the object with the highest IoU (the first of equals; 0 if there are no objects), and its label.
    /// Length B each.
    /// </returns>
    public (int[] Matches, sbyte[] Labels) Match(IReadOnlyList<Box> objects, IReadOnlyList<Box> boxes)
    {
        ArgumentNullException.ThrowIfNull(objects);
        ArgumentNullException.ThrowIfNull(boxes);
        var matches = new int[boxes.Count];
        var best = new float[boxes.Count];
        var bestOfObject = new float[objects.Count];
        for (var g = 0; g < objects.Count; g++)
        {
            for (var b = 0; b < best.Length; b++)
            {
                var iou = objects[g].Iou(boxes[b]);
                bestOfObject[g] = MathF.Max(bestOfObject[g], iou);
                if (iou > best[b])
                {
                    (best[b], matches[b]) = (iou, g);
                }
            }
        }

        var labels = new sbyte[boxes.Count];
        for (var b = 0; b < labels.Length; b++)
        {
            labels[b] = best[b] < low ? Background : best[b] < high ? Ignored : Object;
        }

        for (var g = 0; g < objects.Count && keepsBest; g++)
        {
            for (var b = 0; b < labels.Length && bestOfObject[g] > 0; b++)
            {
                if (best[b] > 0 && objects[g].Iou(boxes[b]) == bestOfObject[g])
                {
                    labels[b] = Object; // keeps its match: the object with the highest IoU
                }
            }
        }

        return (matches, labels);
    }
}
