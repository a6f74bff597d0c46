namespace MoCoSharp.Detection.Model;

/// <summary>Which object each of many boxes stands for, if any.</summary>
/// <param name="low">Below this IoU a box is background.</param>
/// <param name="high">From this IoU on it is the object; between the two it takes no part.</param>
/// <param name="keepsBest">Whether each object's best boxes are it, whatever their IoU, as long as they meet.</param>
internal sealed class BoxMatcher(float low, float high, bool keepsBest)
{
    /// <summary>The label of a box that takes no part.</summary>
    public const sbyte Ignored = -1;

    /// <summary>The label of background.</summary>
    public const sbyte Background = 0;

    /// <summary>The label of an object.</summary>
    public const sbyte Object = 1;

    /// <summary>Matches.</summary>
    /// <param name="objects">G boxes; may be none.</param>
    /// <param name="boxes">B boxes.</param>
    /// <returns>
    /// For each box the object that it meets most (the first of equals; 0 where there is none), and its label. Length B
    /// each.
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
                    labels[b] = Object; // its match stays: of two objects, the one that it meets most
                }
            }
        }

        return (matches, labels);
    }
}
