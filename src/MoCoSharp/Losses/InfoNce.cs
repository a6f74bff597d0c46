using MoCoSharp.Kernels;
using MoCoSharp.Methods;
using TorchSharp;
using static MoCoSharp.Kernels.Scalars;
using static TorchSharp.torch;

namespace MoCoSharp.Losses;

/// <summary>The contrastive loss InfoNCE: classify a query's positive key among the keys of the queue.</summary>
/// <remarks>Equation 1 of He et al. 2020, <see href="https://arxiv.org/abs/1911.05722"/>.</remarks>
public static class InfoNce
{
    private const int KeysAtOnce = 4096; // the logits of 256 queries take 4 MB, which fits a cache

    /// <summary>
    /// Mean cross-entropy of each query against its positive key and all keys of the queue. One pass over blocks of the
    /// queue computes loss and gradient, so no [N, K] matrix is kept. The queue may change after this returns.
    /// </summary>
    /// <param name="query">L2-normalized in MoCo; any length is valid. Shape [N, C].</param>
    /// <param name="key">Without gradient. Shape [N, C].</param>
    /// <param name="queue">Without gradient, in the type of the queries or in bfloat16. Shape [K, C].</param>
    /// <param name="temperature">τ of the softmax, above 0; MoCo v2 uses 0.2.</param>
    /// <param name="measuresAccuracy">Whether to compute the accuracy.</param>
    /// <param name="batchKeys">
    /// Keys of the whole batch, without gradient, as further negatives. Shape [M, C]. Null is none.
    /// </param>
    /// <param name="own">The row of each query's own key in <paramref name="batchKeys"/>. Shape [N].</param>
    /// <returns>
    /// The loss, a scalar that carries the gradient. The accuracy: shares of queries whose positive key is the nearest,
    /// and among the nearest five, shape [2]; null unless requested.
    /// </returns>
    /// <exception cref="ArgumentException">The shapes do not fit.</exception>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="temperature"/> is 0 or less.</exception>
    public static (Tensor Loss, Tensor? Accuracy) Loss(
        Tensor query, Tensor key, Tensor queue, double temperature, bool measuresAccuracy = false,
        Tensor? batchKeys = null, Tensor? own = null)
    {
        CheckShapes(query, key, queue, temperature);
        if (batchKeys is not null)
        {
            CheckShapes(query, key, batchKeys, temperature);
            ArgumentNullException.ThrowIfNull(own);
        }

        using var scope = NewDisposeScope();
        Tensor loss, gradient;
        Tensor? nearer;
        using (no_grad())
        {
            (loss, gradient, nearer) = Pass(query.detach(), key, queue, temperature, measuresAccuracy, batchKeys, own);
        }

        // A scalar with the loss's value and the precomputed gradient. The difference below is 0; its derivative by the
        // query is the gradient.
        var carrier = (query * gradient).sum();
        loss = loss.add(carrier - carrier.detach(), One).MoveToOuterDisposeScope();
        var accuracy = nearer is null
            ? null
            : stack([nearer.lt(Held(1L)), nearer.lt(Held(5L))]).to(float32).mean([1, 2]).MoveToOuterDisposeScope();
        return (loss, accuracy);
    }

    // Softmax over all keys from running sums, relative to the highest logit so far. This is exact for any vector
    // length and temperature.
    private static (Tensor Loss, Tensor Gradient, Tensor? Nearer) Pass(
        Tensor query, Tensor key, Tensor queue, double temperature, bool counts, Tensor? batchKeys, Tensor? own)
    {
        var scaled = query.div(Held(temperature));
        var narrow = scaled.to(queue.dtype);
        var positive = (scaled * key).sum(1, keepdim: true); // [N, 1]: the positive logit
        var highest = positive.clone();                      // [N, 1]
        var total = ones_like(positive); // [N, 1]: sum of exp(logit - highest), the positive first
        var weightedKeys = zeros_like(query); // [N, C]: sum of exp(logit - highest) key
        var nearer = counts ? zeros_like(positive) : null;   // [N, 1]
        if (batchKeys is not null)
        {
            var others = scaled.mm(batchKeys.t()); // [N, M]
            others.scatter_(1, own!.unsqueeze(1), full_like(positive, Held(double.NegativeInfinity)));
            weightedKeys.add_(Weigh(others, highest, total, weightedKeys, positive, nearer).mm(batchKeys), One);
        }

        var fused =
            KernelTable.Softmax.IsOn
            && query.dtype == float32
            && query.device_type == DeviceType.CPU
            && (queue.dtype == float32 || queue.dtype == bfloat16);
        for (long first = 0; first < queue.shape[0]; first += KeysAtOnce)
        {
            using var block = NewDisposeScope();
            var keys = queue.narrow(0, first, Math.Min(KeysAtOnce, queue.shape[0] - first)); // [B, C]
            var logits = MatMul.TimesTransposed(narrow, keys);                                  // [N, B]
            if (fused)
            {
                RunningSoftmax.Update(logits, highest, total, weightedKeys, positive, nearer);
            }
            else
            {
                logits = Weigh(logits.to(query.dtype), highest, total, weightedKeys, positive, nearer);
            }

            weightedKeys.add_(MatMul.TimesTransposed(logits.to(keys.dtype), keys.t()), One); // weights keys: [N, C]
        }

        var loss = total.log().add(highest, One).sub(positive).mean();
        var share = (positive - highest).exp_(); // of the positive key
        var gradient = weightedKeys
            .add((share - total) * key, One)
            .div_(total)
            .mul_(Held(1 / (temperature * query.shape[0])));
        return (loss, gradient, nearer);
    }

    // RunningSoftmax.Update from libtorch operations, for other types and devices. Returns the weights.
    private static Tensor Weigh(
        Tensor logits, Tensor highest, Tensor total, Tensor weightedKeys, Tensor positive, Tensor? nearer)
    {
        nearer?.add_(logits.gt(positive).sum(1, keepdim: true), One);
        var higher = highest.maximum(logits.amax([1], keepdim: true));
        var shrink = (highest - higher).exp_();
        var weights = logits.sub_(higher).exp_();
        total.mul_(shrink).add_(weights.sum(1, keepdim: true), One);
        weightedKeys.mul_(shrink);
        highest.copy_(higher);
        return weights;
    }

    private static void CheckShapes(Tensor query, Tensor key, Tensor queue, double temperature)
    {
        ArgumentNullException.ThrowIfNull(query);
        ArgumentNullException.ThrowIfNull(key);
        ArgumentNullException.ThrowIfNull(queue);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(temperature);
        if (
            query.shape is not [_, var size]
            || !query.shape.SequenceEqual(key.shape)
            || queue.shape is not [_, var queueSize]
            || size != queueSize)
        {
            throw new ArgumentException(
                $"Queries [{string.Join(", ", query.shape)}], keys [{string.Join(", ", key.shape)}] and queue " +
                $"[{string.Join(", ", queue.shape)}] do not fit: "
                    + "expected [N, C], [N, C] and [K, C].");
        }
    }
}
