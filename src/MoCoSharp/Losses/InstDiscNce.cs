using TorchSharp;
using static MoCoSharp.Kernels.Scalars;
using static TorchSharp.torch;

namespace MoCoSharp.Losses;

/// <summary>
/// InstDisc's loss: tell the feature of the own image from K that were drawn, each a decision of its own.
/// </summary>
/// <remarks>
/// Noise-contrastive estimation, equations 4 to 8 of Wu et al. 2018, <see href="https://arxiv.org/abs/1805.01978"/>, as
/// its code has it: the model's probability of a feature is exp(s / τ) / Z with one constant Z, the noise is uniform
/// over M images, and 1e-7 stands in the denominators.
/// </remarks>
internal static class InstDiscNce
{
    private const double Epsilon = 1e-7;
    private const long FeaturesAtOnce = 1 << 18; // of 128 numbers: 134 MB

    /// <summary>Z from a batch: the mean of exp(s / τ) over own features and draws, times M.</summary>
    /// <param name="query">Shape [N, C].</param>
    /// <param name="bank">Shape [M, C].</param>
    /// <param name="images">The own ones. Shape [N].</param>
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
    /// The loss, a mean over the queries. Draws are looked up in blocks: no [N, K, C] tensor is kept.
    /// </summary>
    /// <param name="query">L2-normalised; carries the gradient. Shape [N, C].</param>
    /// <param name="bank">L2-normalised, without gradient. Shape [M, C].</param>
    /// <param name="images">The own ones, indices. Shape [N].</param>
    /// <param name="draws">
    /// Of each query, indices; the own one may be among them, as in the paper's code. Shape [N, K].
    /// </param>
    /// <param name="normalizer">Z. Shape [1].</param>
    /// <param name="temperature">τ, above 0.</param>
    /// <param name="measuresAccuracy">Whether to count the drawn features that are nearer than the own one.</param>
    public static ContrastiveLoss Loss(
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
                // the own feature is column 0
                var (features, logits) = Looked(rows, query.detach(), bank, images, draws, temperature);
                var model = logits.exp().div_(normalizer);                                         // P
                var sum = model.add(Held(noise + Epsilon), One);
                var own = model.narrow(1, 0, 1).div(sum.narrow(1, 0, 1)).log_().sum();
                var others = sum.narrow(1, 1, negatives).reciprocal().mul_(Held(noise)).log_().sum();
                loss.sub_(own).sub_(others);

                // d loss / d logit: P / (P + c) for a draw, the same less 1 for the own feature.
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
            return new(loss, null);
        }

        var counted = cat(nearer);
        return new(
            loss,
            stack([counted.lt(Held(1L)), counted.lt(Held(5L))]).to(float32).mean([1]).MoveToOuterDisposeScope());
    }

    // Queries at a time.
    private static IEnumerable<(long First, long Count)> Blocks(Tensor query, Tensor draws)
    {
        var rows = Math.Max(1, FeaturesAtOnce / (draws.shape[1] + 1));
        for (long first = 0; first < query.shape[0]; first += rows)
        {
            yield return (first, Math.Min(rows, query.shape[0] - first));
        }
    }

    // Own and drawn features [B, 1 + K, C] of some queries, and their logits [B, 1 + K].
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
