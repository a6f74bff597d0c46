using TorchSharp;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace MoCoSharp.Methods;

/// <summary>The contrastive loss: tell a query's own key from every key of the queue.</summary>
/// <remarks>Equation 1 of He et al. 2020, <see href="https://arxiv.org/abs/1911.05722"/>.</remarks>
public static class InfoNce
{
    /// <summary>Logits of each query against its key (column 0) and every key of the queue.</summary>
    /// <param name="query">L2-normalised. Shape [N, C].</param>
    /// <param name="key">L2-normalised. Shape [N, C].</param>
    /// <param name="queue">L2-normalised. Shape [K, C].</param>
    /// <param name="temperature">τ of the softmax, above 0.</param>
    /// <returns>Shape [N, 1 + K].</returns>
    /// <exception cref="ArgumentException">The shapes do not fit.</exception>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="temperature"/> is 0 or less.</exception>
    public static Tensor Logits(Tensor query, Tensor key, Tensor queue, double temperature)
    {
        ArgumentNullException.ThrowIfNull(query);
        ArgumentNullException.ThrowIfNull(key);
        ArgumentNullException.ThrowIfNull(queue);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(temperature);
        if (query.shape is not [_, var size] || !query.shape.SequenceEqual(key.shape) || queue.shape is not [_, var queueSize] || size != queueSize)
        {
            throw new ArgumentException(
                $"Queries [{string.Join(", ", query.shape)}], keys [{string.Join(", ", key.shape)}] and queue [{string.Join(", ", queue.shape)}] do not fit: " +
                "expected [N, C], [N, C] and [K, C].");
        }

        using var scope = NewDisposeScope();
        var positive = einsum("nc,nc->n", query, key).unsqueeze(-1); // [N, 1]
        var negative = einsum("nc,kc->nk", query, queue);            // [N, K]
        return cat([positive, negative], dim: 1).div(temperature).MoveToOuterDisposeScope();
    }

    /// <summary>Mean cross entropy of logits whose positive is column 0.</summary>
    /// <param name="logits">Shape [N, 1 + K].</param>
    /// <returns>A scalar.</returns>
    public static Tensor Loss(Tensor logits)
    {
        ArgumentNullException.ThrowIfNull(logits);
        using var scope = NewDisposeScope();
        var labels = zeros(logits.shape[0], dtype: int64, device: logits.device); // the positive is column 0
        return functional.cross_entropy(logits, labels).MoveToOuterDisposeScope();
    }

    /// <summary>Share of queries that are nearer to their own key than to any of the queue.</summary>
    /// <param name="logits">Shape [N, 1 + K].</param>
    /// <returns>A scalar, 0 to 1.</returns>
    public static Tensor Accuracy(Tensor logits)
    {
        ArgumentNullException.ThrowIfNull(logits);
        using var noGrad = no_grad();
        using var scope = NewDisposeScope();
        return logits.argmax(1).eq(0).to(float32).mean().MoveToOuterDisposeScope();
    }
}
