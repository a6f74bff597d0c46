namespace MoCoSharp.Detection.Model;

/// <summary>
/// What a region proposal network proposes for an image: its best anchors, moved, cut to the image, and thinned out.
/// </summary>
internal static class RegionProposals
{
    /// <summary>The proposals of an image, best first.</summary>
    /// <param name="anchors">B anchors of the whole map.</param>
    /// <param name="isInside">Whether an anchor is the image's, not the padding's. Length B.</param>
    /// <param name="logits">Of this image. Length B.</param>
    /// <param name="deltas">Of this image. Length 4 B.</param>
    /// <param name="width">Of the image, in pixels.</param>
    /// <param name="height">Of the image, in pixels.</param>
    /// <param name="before">How many of the best are looked at.</param>
    /// <param name="after">How many stay at most.</param>
    /// <param name="nmsIou">Above it the worse of two goes.</param>
    public static Box[] Of(
        Box[] anchors, bool[] isInside, ReadOnlySpan<float> logits, ReadOnlySpan<float> deltas, int width, int height,
        int before, int after, double nmsIou)
    {
        var keys = new List<float>();
        var places = new List<int>();
        for (var b = 0; b < anchors.Length; b++)
        {
            if (isInside[b] && float.IsFinite(logits[b]))
            {
                keys.Add(-logits[b]);
                places.Add(b);
            }
        }

        var (sorted, order) = (keys.ToArray(), places.ToArray());
        Sort(sorted, order);
        var boxes = new List<Box>();
        var scores = new List<float>();
        for (var i = 0; i < Math.Min(before, order.Length); i++)
        {
            var box = BoxCoder.Proposals.Decode(anchors[order[i]], deltas.Slice(4 * order[i], 4));
            if (box.IsFinite && box.Clip(width, height) is { IsEmpty: false } inside)
            {
                boxes.Add(inside);
                scores.Add(-sorted[i]);
            }
        }

        return [.. NonMaximumSuppression.Keep(boxes, scores, (float)nmsIou, after).Select(i => boxes[i])];
    }

    /// <summary>
    /// Which anchors stand on the image: those whose point lies on it. The others stand on what was added to make a
    /// batch rectangular.
    /// </summary>
    public static bool[] Inside(Box[] anchors, int width, int height) =>
        [
            .. anchors.Select(anchor =>
                anchor.Left + anchor.Right < 2 * width && anchor.Top + anchor.Bottom < 2 * height),
        ];

    // Rising keys; of equal ones the first place first.
    private static void Sort(float[] keys, int[] places)
    {
        Array.Sort(keys, places);
        for (int first = 0, i = 1; i <= keys.Length; i++)
        {
            if (i == keys.Length || keys[i] != keys[first])
            {
                Array.Sort(places, first, i - first);
                first = i;
            }
        }
    }
}
