using MoCoSharp.Distributed;
using MoCoSharp.Kernels;
using TorchSharp;
using static MoCoSharp.Kernels.Scalars;
using static TorchSharp.torch;

namespace MoCoSharp.Losses;

/// <summary>SimCLR's loss: classify each view's partner among the other 2N - 1 views.</summary>
/// <remarks>
/// Normalized temperature-scaled cross-entropy, equation 1 of Chen et al. 2020,
/// <see href="https://arxiv.org/abs/2002.05709"/>. A view is never compared with itself. The denominator includes its
/// partner. The loss is the mean over all 2N views; Google's code sums the two halves, which is twice as large.
/// </remarks>
internal static class NtXent
{
    private const long LogitsAtOnce = 1 << 20; // 4 MB, which fits a cache

    /// <summary>
    /// Mean loss over this rank's views. Averaged over ranks, it is the mean over the batch. No [2N, 2N] matrix is
    /// kept, forward or backward.
    /// </summary>
    /// <param name="first">
    /// L2-normalized embeddings of one view of each image; carries the gradient. Shape [N / ranks, C].
    /// </param>
    /// <param name="second">Embeddings of the other view of the same images. The same shape.</param>
    /// <param name="temperature">τ of the softmax, above 0.</param>
    /// <param name="group">
    /// The ranks that share the batch. The views of all ranks are negatives and receive gradients. Null is one process.
    /// </param>
    /// <param name="measuresAccuracy">Whether to compute the accuracy.</param>
    /// <exception cref="ArgumentException">The shapes do not fit.</exception>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="temperature"/> is 0 or less.</exception>
    public static (Tensor Loss, Tensor? Accuracy) Loss(
        Tensor first, Tensor second, double temperature, IProcessGroup? group = null,
        bool measuresAccuracy = false)
    {
        ArgumentNullException.ThrowIfNull(first);
        ArgumentNullException.ThrowIfNull(second);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(temperature);
        if (first.shape is not [> 0 and var count, _] || !first.shape.SequenceEqual(second.shape))
        {
            throw new ArgumentException(
                $"Views [{string.Join(", ", first.shape)}] and [{string.Join(", ", second.shape)}] do not fit: " +
                "expected [N, C] twice, N above 0.",
                nameof(second));
        }

        group ??= SingleProcess.Instance;
        using var scope = NewDisposeScope();
        // [2N, C]: row i and row N + i are partners
        var all = cat([DifferentiableGather.Of(group, first), DifferentiableGather.Of(group, second)]);
        Tensor loss, gradient;
        Tensor? nearer;
        using (no_grad())
        {
            var rows = Indices.UpTo(all.shape[0], all.device);
            var own = cat([
                BatchOrder.LocalShard(group, rows.narrow(0, 0, count * group.Size)),
                BatchOrder.LocalShard(group, rows.narrow(0, count * group.Size, count * group.Size)),
            ]);
            (loss, gradient, nearer) = Pass(all.detach(), own, temperature, measuresAccuracy);
        }

        // A scalar with the loss's value and the precomputed gradient, as in InfoNce.
        var carrier = (all * gradient).sum();
        loss = loss.add(carrier - carrier.detach(), One).MoveToOuterDisposeScope();
        var accuracy = nearer is null
            ? null
            : stack([nearer.lt(Held(1L)), nearer.lt(Held(5L))]).to(float32).mean([1]).MoveToOuterDisposeScope();
        return (loss, accuracy);
    }

    // Processes rows in blocks. Let p be the softmax of a row. The gradient of the row's loss has two parts: (p Z -
    // partner) / τ on the row itself, and p times the row on every column.
    private static (Tensor Loss, Tensor Gradient, Tensor? Nearer) Pass(
        Tensor all, Tensor own, double temperature, bool counts)
    {
        long total = all.shape[0], count = own.shape[0];
        var partnerOf = Indices.UpTo(total, all.device).roll(total / 2, 0); // [2N]
        var gradient = zeros_like(all);
        var sum = zeros([], dtype: all.dtype, device: all.device);
        var nearer = counts ? new List<Tensor>() : null;
        foreach (var rows in own.split((int)Math.Max(1, LogitsAtOnce / total)))
        {
            using var block = NewDisposeScope();
            var partners = partnerOf.index_select(0, rows);                                         // [B]
            var views = all.index_select(0, rows);                                                  // [B, C]
            var others = all.index_select(0, partners);                                             // [B, C]
            var positive = (views * others).sum(1, keepdim: true).div(Held(temperature));           // [B, 1]
            var logits = views.mm(all.t()).div_(Held(temperature));                                 // [B, 2N]
            logits.scatter_(1, rows.unsqueeze(1), full_like(positive, Held(double.NegativeInfinity))); // not itself
            if (counts)
            {
                // The partner's logit in this matrix may round differently from the positive. Do not count it as
                // nearer.
                var above = logits.gt(positive);
                above.scatter_(1, partners.unsqueeze(1), zeros_like(above.narrow(1, 0, 1)));
                nearer!.Add(above.sum(1).MoveToOuterDisposeScope());
            }

            var normalizer = logits.logsumexp(1, keepdim: true);                                    // [B, 1]
            sum.add_((normalizer - positive).sum(), One);
            var share = logits.sub_(normalizer).exp_();                                             // [B, 2N]
            gradient.index_add_(0, rows, share.mm(all).sub_(others), One);
            gradient.addmm_(share.t(), views);
            gradient.index_add_(0, partners, views, Held(-1.0));
        }

        return (
            sum.div(Held(count)),
            gradient.mul_(Held(1 / (temperature * count))),
            nearer is null ? null : cat(nearer));
    }
}
