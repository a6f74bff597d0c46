using TorchSharp;
using static TorchSharp.torch;

namespace MoCoSharp.Diagnostics;

/// <summary>Measures how embeddings spread over the unit sphere.</summary>
internal static class Spread
{
    private const int Most = 128; // samples; more change the result little

    /// <summary>The root of the summed variances, and the effective rank.</summary>
    /// <param name="embeddings">L2-normalized, finite. Shape [N, C]; the first 128 are used.</param>
    /// <returns>The deviation, 0 to 1, and the rank, 1 to min(N - 1, C).</returns>
    /// <remarks>
    /// The rank is exp(entropy of the covariance's eigenvalues, normalized to sum 1): the effective rank of Roy and
    /// Vetterli 2007, applied to the covariance. The eigenvalues are squares of singular values of the centered
    /// embeddings, so this rank is lower than <see cref="EffectiveRank.RankMe"/>, which takes the singular values.
    /// </remarks>
    public static (double Deviation, double Rank) Of(Tensor embeddings)
    {
        using var noGrad = no_grad();
        using var scope = NewDisposeScope();
        var count = (int)Math.Min(Most, embeddings.shape[0]);
        var some = embeddings.detach().narrow(0, 0, count).to(float64).cpu().contiguous(); // [n, C]
        // [n, n]; after centering, its eigenvalues are n times the covariance's singular values
        var products = some.mm(some.t()).data<double>().ToArray();
        Center(products, count);
        var values = linalg
            .eigvalsh(tensor(products, count, count))
            .data<double>()
            .ToArray()
            .Select(value => Math.Max(0, value))
            .ToArray();
        var sum = values.Sum();
        const double onePoint = 1e-12;
        if (!(sum / count > onePoint))
        {
            return (0, 1);
        }

        var entropy = -values.Where(value => value > 0).Sum(value => value / sum * Math.Log(value / sum));
        return (Math.Sqrt(sum / count), Math.Exp(entropy));
    }

    // Turns the products of the samples into those of the centered samples.
    private static void Center(double[] products, int count)
    {
        var means = new double[count];
        for (var i = 0; i < count; i++)
        {
            means[i] = products.AsSpan(i * count, count).ToArray().Average();
        }

        var mean = means.Average();
        for (var i = 0; i < products.Length; i++)
        {
            products[i] += mean - means[i / count] - means[i % count];
        }
    }
}
