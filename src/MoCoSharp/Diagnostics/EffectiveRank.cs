using TorchSharp;
using static TorchSharp.torch;

namespace MoCoSharp.Diagnostics;

/// <summary>How many directions features use: label-free measures of an encoder.</summary>
internal static class EffectiveRank
{
    private const double Epsilon = 1e-7; // as in RankMe
    private const double Delta = 1e-4; // as in LiDAR

    /// <summary>RankMe: exp(entropy of the singular values of the features, normalized to sum 1).</summary>
    /// <param name="features">Neither centered nor normalized, as published. Shape [N, D].</param>
    /// <returns>1 to min(N, D).</returns>
    /// <remarks>Garrido et al. 2023, <see href="https://arxiv.org/abs/2210.02885"/>.</remarks>
    public static double RankMe(Tensor features)
    {
        ArgumentNullException.ThrowIfNull(features);
        using var noGrad = no_grad();
        using var scope = NewDisposeScope();
        var values = features.detach().to(float64).cpu();
        var products = values.shape[0] < values.shape[1] ? values.mm(values.t()) : values.t().mm(values);
        return OfSpectrum([.. Eigenvalues(products).Select(value => Math.Sqrt(Math.Max(0, value)))]);
    }

    /// <summary>
    /// LiDAR: the rank of the differences between images, where directions that differ between views of one image count
    /// less. Features that are diverse only because augmentation changes them get a low value.
    /// </summary>
    /// <param name="views">Features of several views of each image. Shape [N, V, D].</param>
    /// <returns>1 to min(N - 1, D).</returns>
    /// <remarks>
    /// Thilak et al. 2024, <see href="https://arxiv.org/abs/2312.04000"/>: exp(entropy of the eigenvalues of
    /// W^-1/2 B W^-1/2), with B the covariance of the images' means, and W that of the views around them plus 1e-4 I.
    /// </remarks>
    public static double Lidar(Tensor views)
    {
        ArgumentNullException.ThrowIfNull(views);
        using var noGrad = no_grad();
        using var scope = NewDisposeScope();
        var values = views.detach().to(float64).cpu(); // [N, V, D]
        var (images, count, dimension) = (values.shape[0], values.shape[1], values.shape[2]);
        var means = values.mean([1], keepdim: true); // [N, 1, D]
        var centered = means - means.mean([0], keepdim: true);
        var between = Products(centered.reshape(images, dimension), images);
        var within = Products((values - means).reshape(images * count, dimension), images * count);
        for (var i = 0; i < dimension; i++)
        {
            within[(i * dimension) + i] += Delta;
        }

        var (squares, directions) = linalg.eigh(tensor(within, dimension, dimension));
        double[] scales = [.. squares.data<double>().ToArray().Select(value => 1 / Math.Sqrt(value))];
        var whitening = (directions * tensor(scales)).mm(directions.t()); // [D, D]
        return OfSpectrum(
            Eigenvalues(whitening.mm(tensor(between, dimension, dimension)).mm(whitening)));
    }

    // The mean of x x^T over the rows. Length D x D.
    private static double[] Products(Tensor rows, long count) =>
        [.. rows.t().mm(rows).contiguous().data<double>().ToArray().Select(value => value / count)];

    private static double[] Eigenvalues(Tensor symmetric) => linalg.eigvalsh(symmetric).data<double>().ToArray();

    private static double OfSpectrum(double[] values)
    {
        var sum = values.Sum(Math.Abs);
        return sum > 0
            ? Math.Exp(-values.Sum(value => Math.Abs(value) / sum + Epsilon is var p ? p * Math.Log(p) : 0))
            : 1;
    }
}
