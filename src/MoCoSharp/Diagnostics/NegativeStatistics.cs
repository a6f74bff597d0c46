using MoCoSharp.Kernels;
using TorchSharp;
using static TorchSharp.torch;

namespace MoCoSharp.Diagnostics;

/// <summary>The similarities of queries and their negatives.</summary>
/// <param name="Hardest">The largest cosine of each query. Length n.</param>
/// <param name="Effective">
/// exp(entropy of the softmax over the negatives) of each query: 1 if one negative has all the weight, K if all
/// negatives have the same weight. Length n.
/// </param>
internal readonly record struct NegativeStatistics(double[] Hardest, double[] Effective)
{
    private const int KeysAtOnce = 4096;

    /// <summary>Computes the statistics block by block, without an [n, K] matrix.</summary>
    /// <param name="query">L2-normalized. Shape [n, C].</param>
    /// <param name="queue">L2-normalized, of any floating type. Shape [K, C].</param>
    /// <param name="temperature">τ.</param>
    public static NegativeStatistics Of(Tensor query, Tensor queue, double temperature)
    {
        var count = (int)query.shape[0];
        var hardest = new double[count];
        var logSum = new double[count]; // of exp(logit) over all keys
        var mean = new double[count];   // logit, weighted by its softmax
        Array.Fill(hardest, double.NegativeInfinity);
        Array.Fill(logSum, double.NegativeInfinity);
        for (long first = 0; first < queue.shape[0]; first += KeysAtOnce)
        {
            using var scope = NewDisposeScope();
            var block = queue.narrow(0, first, Math.Min(KeysAtOnce, queue.shape[0] - first)).to(query.dtype);
            var logits = query.mm(block.t()).div(Scalars.Held(temperature)); // [n, k]
            var sums = Host(logits.logsumexp(1));
            var means = Host(logits.softmax(1).mul(logits).sum(1));
            var largest = Host(logits.amax([1]));
            for (var i = 0; i < count; i++)
            {
                var both = LogAdd(logSum[i], sums[i]);
                mean[i] = (mean[i] * Math.Exp(logSum[i] - both)) + (means[i] * Math.Exp(sums[i] - both));
                logSum[i] = both;
                hardest[i] = Math.Max(hardest[i], largest[i] * temperature);
            }
        }

        return new(hardest, [.. logSum.Zip(mean, (sum, average) => Math.Exp(Math.Max(0, sum - average)))]);
    }

    private static double[] Host(Tensor values) => values.to(float64).cpu().data<double>().ToArray();

    private static double LogAdd(double a, double b) =>
        Math.Max(a, b) + Math.Log(1 + Math.Exp(Math.Min(a, b) - Math.Max(a, b)));
}
