using MoCoSharp.Data.Views;
using MoCoSharp.Detection.Datasets;

namespace MoCoSharp.Detection.Model;

/// <summary>Sampled anchors of an image, and their targets.</summary>
/// <param name="Objects">Indices of sampled anchors that are objects.</param>
/// <param name="Background">Indices of sampled anchors that are background.</param>
/// <param name="Deltas">Target deltas of the objects. Length 4 x objects.</param>
internal sealed record AnchorTargets(int[] Objects, int[] Background, float[] Deltas)
{
    public static AnchorTargets Of(
        Box[] anchors, bool[] isInside, Box[] truths, RpnOptions options, SampleRandom random)
    {
        var (matches, labels) = new BoxMatcher((float)options.LowIou, (float)options.HighIou, keepsBest: true).Match(
            truths,
            anchors);
        for (var b = 0; b < labels.Length; b++)
        {
            labels[b] = isInside[b] ? labels[b] : BoxMatcher.Ignored;
        }

        var (objects, background) = LabelSampler.Sample(labels, options.Samples, options.ObjectShare, ref random);
        var deltas = new float[4 * objects.Length];
        for (var i = 0; i < objects.Length; i++)
        {
            BoxCoder.Proposals.Encode(anchors[objects[i]], truths[matches[objects[i]]], deltas.AsSpan(4 * i, 4));
        }

        return new AnchorTargets(objects, background, deltas);
    }
}

/// <summary>Sampled regions of an image, and their targets.</summary>
/// <param name="Regions">Sampled proposals: objects, then background.</param>
/// <param name="Labels">Class of each region. K is background.</param>
/// <param name="Deltas">Target deltas of the objects. Length 4 x objects.</param>
internal sealed record RegionTargets(Box[] Regions, long[] Labels, float[] Deltas)
{
    /// <summary>
    /// Samples regions. The true boxes are added to the proposals, which are poor at first.
    /// </summary>
    public static RegionTargets Of(
        Box[] proposals, Box[] truths, int[] truthLabels, int classes, RoiOptions options, SampleRandom random)
    {
        Box[] all = [.. proposals, .. truths];
        var (matches, labels) = new BoxMatcher((float)options.Iou, (float)options.Iou, keepsBest: false).Match(
            truths,
            all);
        var (objects, background) = LabelSampler.Sample(labels, options.Samples, options.ObjectShare, ref random);
        var deltas = new float[4 * objects.Length];
        for (var i = 0; i < objects.Length; i++)
        {
            BoxCoder.Classified.Encode(all[objects[i]], truths[matches[objects[i]]], deltas.AsSpan(4 * i, 4));
        }

        return new RegionTargets(
            [.. objects.Concat(background).Select(b => all[b])],
            [.. objects.Select(b => (long)truthLabels[matches[b]]), .. background.Select(_ => (long)classes)],
            deltas);
    }

    /// <summary>The objects of an image to train on: all except crowds.</summary>
    public static (Box[] Boxes, int[] Labels) Truths(DetectionView view)
    {
        var kept = view.Boxes.Where(box => !box.IsCrowd)
            .Select(box =>
                (
                    Box: new Box((float)box.Left, (float)box.Top, (float)box.Right, (float)box.Bottom).Clip(
                        view.Width,
                        view.Height),
                    box.Label))
            .Where(item => !item.Box.IsEmpty).ToList();
        return ([.. kept.Select(item => item.Box)], [.. kept.Select(item => item.Label)]);
    }
}
