namespace MoCoSharp.Detection.Model;

/// <summary>
/// Converts the output of a region proposal network to proposals: decodes the best anchors, clips them to the image,
/// and suppresses duplicates.
/// </summary>
internal static class RegionProposals
{
    /// <summary>The proposals of an image, best first.</summary>
    /// <param name="anchors">All B anchors of the feature map.</param>
    /// <param name="isInside">Whether an anchor is in the image, not in the padding. Length B.</param>
    /// <param name="logits">Logits of this image. Length B.</param>
    /// <param name="deltas">Deltas of this image. Length 4 B.</param>
    /// <param name="width">Width of the image, in pixels.</param>
    /// <param name="height">Height of the image, in pixels.</param>
    /// <param name="before">Number of best anchors before suppression.</param>
    /// <param name="after">Maximum number of proposals after suppression.</param>
    /// <param name="nmsIou">IoU threshold of the suppression.</param>
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
    /// Whether the point of each anchor is in the image. The others are in the padding that makes a batch rectangular.
    /// </summary>
    public static bool[] Inside(Box[] anchors, int width, int height) =>
        [
            .. anchors.Select(anchor =>
                anchor.Left + anchor.Right < 2 * width && anchor.Top + anchor.Bottom < 2 * height),
        ];

    // Ascending keys. Among equal keys, the lower index first.
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
