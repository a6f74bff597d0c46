using TorchSharp;
using static MoCoSharp.Kernels.Scalars;
using static TorchSharp.torch;

namespace MoCoSharp.Losses;

/// <summary>
/// InstDisc's loss, noise-contrastive estimation: classify the image's own feature against K sampled features, each a
/// binary decision.
/// </summary>
/// <remarks>
/// Equations 4 to 8 of Wu et al. 2018, <see href="https://arxiv.org/abs/1805.01978"/>, as in its code. The model's
/// probability of a feature is exp(s / τ) / Z with one constant Z. The noise is uniform over M images. Denominators
/// contain 1e-7.
/// </remarks>
internal static class InstDiscNce
{
    private const double Epsilon = 1e-7;
    private const long FeaturesAtOnce = 1 << 18; // of 128 numbers: 134 MB

    /// <summary>Estimates Z from a batch: M times the mean of exp(s / τ) over own and sampled features.</summary>
    /// <param name="query">Shape [N, C].</param>
    /// <param name="bank">Shape [M, C].</param>
    /// <param name="images">Indices of the queries' images. Shape [N].</param>
    /// <param name="draws">Shape [N, K].</param>
    /// <param name="temperature">τ.</param>
    /// <returns>Shape [1].</returns>
    public static Tensor Normalizer(Tensor query, Tensor bank, Tensor images, Tensor draws, double temperature)
    {
        ArgumentNullException.ThrowIfNull(draws);
        using var noGrad = no_grad();
        using var scope = NewDisposeScope();
        var sum = zeros([1], dtype: bank.dtype, device: bank.device);
        foreach (var rows in Blocks(query, draws))
        {
            using var each = NewDisposeScope();
            sum.add_(Looked(rows, query.detach(), bank, images, draws, temperature).Logits.exp().sum(), One);
        }

        return sum.div_(Held((double)(draws.shape[0] * (draws.shape[1] + 1))))
            .mul_(Held((double)bank.shape[0]))
            .MoveToOuterDisposeScope();
    }

    /// <summary>
    /// The mean loss over the queries. Sampled features are looked up in blocks, so no [N, K, C] tensor is kept.
    /// </summary>
    /// <param name="query">L2-normalized; carries the gradient. Shape [N, C].</param>
    /// <param name="bank">L2-normalized, without gradient. Shape [M, C].</param>
    /// <param name="images">Indices of the queries' images. Shape [N].</param>
    /// <param name="draws">
    /// Sampled indices of each query; they may include its own, as in the paper's code. Shape [N, K].
    /// </param>
    /// <param name="normalizer">Z. Shape [1].</param>
    /// <param name="temperature">τ, above 0.</param>
    /// <param name="measuresAccuracy">Whether to compute the accuracy.</param>
    public static (Tensor Loss, Tensor? Accuracy) Loss(
        Tensor query, Tensor bank, Tensor images, Tensor draws, Tensor normalizer, double temperature,
        bool measuresAccuracy = false)
    {
        ArgumentNullException.ThrowIfNull(query);
        ArgumentNullException.ThrowIfNull(bank);
        ArgumentNullException.ThrowIfNull(draws);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(temperature);
        using var scope = NewDisposeScope();
        var (count, negatives) = (query.shape[0], draws.shape[1]);
        var gradients = new List<Tensor>();
        var nearer = measuresAccuracy ? new List<Tensor>() : null;
        var loss = zeros([], dtype: query.dtype, device: query.device);
        using (no_grad())
        {
            var noise = negatives / (double)bank.shape[0]; // K Pn
            foreach (var rows in Blocks(query, draws))
            {
                using var each = NewDisposeScope();
                // The own feature is column 0.
                var (features, logits) = Looked(rows, query.detach(), bank, images, draws, temperature);
                var model = logits.exp().div_(normalizer);                                         // P
                var sum = model.add(Held(noise + Epsilon), One);
                var own = model.narrow(1, 0, 1).div(sum.narrow(1, 0, 1)).log_().sum();
                var others = sum.narrow(1, 1, negatives).reciprocal().mul_(Held(noise)).log_().sum();
                loss.sub_(own).sub_(others);

                // d loss / d logit: P / (P + c) for a sampled feature, minus 1 for the own feature.
                var slope = model.div(sum);
                slope.narrow(1, 0, 1).sub_(ones_like(own));
                gradients.Add(einsum("bk,bkc->bc", slope, features).MoveToOuterDisposeScope());
                nearer?.Add(logits.narrow(1, 1, negatives).gt(logits.narrow(1, 0, 1)).sum(1).MoveToOuterDisposeScope());
            }
        }

        var carrier = (query * cat(gradients).div_(Held(temperature * count))).sum(); // as in InfoNce
        loss = loss.div_(Held((double)count)).add(carrier - carrier.detach(), One).MoveToOuterDisposeScope();
        if (nearer is null)
        {
            return (loss, null);
        }

        var counted = cat(nearer);
        return (
            loss,
            stack([counted.lt(Held(1L)), counted.lt(Held(5L))]).to(float32).mean([1]).MoveToOuterDisposeScope());
    }

    // Blocks of queries, of bounded memory.
    private static IEnumerable<(long First, long Count)> Blocks(Tensor query, Tensor draws)
    {
        var rows = Math.Max(1, FeaturesAtOnce / (draws.shape[1] + 1));
        for (long first = 0; first < query.shape[0]; first += rows)
        {
            yield return (first, Math.Min(rows, query.shape[0] - first));
        }
    }

    // Own and sampled features [B, 1 + K, C] of a block of queries, and their logits [B, 1 + K].
    private static (Tensor Features, Tensor Logits) Looked(
        (long First, long Count) rows, Tensor query, Tensor bank, Tensor images, Tensor draws, double temperature)
    {
        var indices = cat(
            [images.narrow(0, rows.First, rows.Count).unsqueeze(1), draws.narrow(0, rows.First, rows.Count)],
            1);
        var features = bank.index_select(0, indices.flatten()).view(rows.Count, draws.shape[1] + 1, -1);
        return (
            features,
            einsum("bc,bkc->bk", query.narrow(0, rows.First, rows.Count), features).div_(Held(temperature)));
    }
}
