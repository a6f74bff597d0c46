using TorchSharp;
using static MoCoSharp.Kernels.Scalars;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace MoCoSharp.Detection.Model;

/// <summary>The four losses of a detector.</summary>
/// <param name="Objectness">Objectness of anchors: binary cross-entropy.</param>
/// <param name="Proposal">Boxes of the proposals: L1 of the deltas.</param>
/// <param name="Classification">Classes of the regions: cross-entropy.</param>
/// <param name="Location">Boxes of the regions: L1 of the deltas.</param>
internal sealed record DetectorLosses(Tensor Objectness, Tensor Proposal, Tensor Classification, Tensor Location)
{
    /// <summary>The sum, which is minimized.</summary>
    public Tensor Total()
    {
        using var scope = NewDisposeScope();
        return stack([Objectness, Proposal, Classification, Location]).sum().MoveToOuterDisposeScope();
    }

    /// <summary>
    /// The losses of a region proposal network, both divided by the nominal number of samples.
    /// </summary>
    /// <param name="logits">Logits of all anchors. Shape [N, B].</param>
    /// <param name="deltas">Deltas of all anchors. Shape [N, B, 4].</param>
    /// <param name="objects">Indices n B + b of the sampled object anchors.</param>
    /// <param name="background">Indices of the sampled background anchors.</param>
    /// <param name="targets">Target deltas of the objects. Length 4 x objects.</param>
    /// <param name="samples">Number of images x samples per image.</param>
    /// <remarks>The smooth L1 of the papers with beta 0, which is L1.</remarks>
    public static (Tensor Objectness, Tensor Proposal) OfAnchors(
        Tensor logits, Tensor deltas, long[] objects, long[] background, float[] targets, double samples)
    {
        ArgumentNullException.ThrowIfNull(logits);
        ArgumentNullException.ThrowIfNull(deltas);
        ArgumentNullException.ThrowIfNull(objects);
        ArgumentNullException.ThrowIfNull(background);
        using var scope = NewDisposeScope();
        var device = logits.device;
        var places = tensor([.. objects, .. background], dtype: int64, device: device);
        var labels = cat([
            ones(objects.Length, dtype: float32, device: device),
            zeros(background.Length, dtype: float32, device: device),
        ]);
        var objectness = functional
            .binary_cross_entropy_with_logits(
                logits.flatten().index_select(0, places),
                labels,
                reduction: Reduction.Sum)
            .div(Held(samples));
        var found = deltas.flatten(0, 1).index_select(0, tensor(objects, dtype: int64, device: device)); // [objects, 4]
        var proposal = found.sub(tensor(targets, [objects.Length, 4], device: device)).abs().sum().div(Held(samples));
        return (objectness.MoveToOuterDisposeScope(), proposal.MoveToOuterDisposeScope());
    }

    /// <summary>The losses of classified regions, both divided by the number of regions.</summary>
    /// <param name="logits">Class logits. Shape [R, K + 1].</param>
    /// <param name="deltas">Deltas for each class. Shape [R, K, 4].</param>
    /// <param name="labels">Class of each region. K is background. Length R.</param>
    /// <param name="targets">
    /// Target deltas of the regions that are not background, in order. Length 4 x these regions.
    /// </param>
    public static (Tensor Classification, Tensor Location) OfRegions(
        Tensor logits, Tensor deltas, long[] labels, float[] targets)
    {
        ArgumentNullException.ThrowIfNull(logits);
        ArgumentNullException.ThrowIfNull(deltas);
        ArgumentNullException.ThrowIfNull(labels);
        using var scope = NewDisposeScope();
        var (device, classes) = (logits.device, deltas.shape[1]);
        if (labels.Length == 0)
        {
            // 0, with a gradient
            return (logits.sum().MoveToOuterDisposeScope(), deltas.sum().MoveToOuterDisposeScope());
        }

        var classification = functional.cross_entropy(logits, tensor(labels, dtype: int64, device: device));
        long[] rows =
        [
            .. Enumerable
                .Range(0, labels.Length)
                .Where(r => labels[r] < classes)
                .Select(r => (r * classes) + labels[r]),
        ];
        // [objects, 4]: deltas of the true class
        var found = deltas.flatten(0, 1).index_select(0, tensor(rows, dtype: int64, device: device));
        var location = found
            .sub(tensor(targets, [rows.Length, 4], device: device))
            .abs()
            .sum()
            .div(Held(labels.Length));
        return (classification.MoveToOuterDisposeScope(), location.MoveToOuterDisposeScope());
    }
}
