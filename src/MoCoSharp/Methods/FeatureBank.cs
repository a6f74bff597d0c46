using TorchSharp;
using static MoCoSharp.Kernels.Scalars;
using static TorchSharp.torch;

namespace MoCoSharp.Methods;

/// <summary>
/// One feature for each image of a data set: a moving average of the encoder's outputs for that image.
/// </summary>
/// <remarks>Wu et al. 2018, <see href="https://arxiv.org/abs/1805.01978"/>, section 3.1.</remarks>
internal sealed class FeatureBank : nn.Module
{
    private readonly Tensor features; // [M, C]

    /// <summary>A bank of random unit vectors.</summary>
    /// <param name="images">M, above 0.</param>
    /// <param name="dimension">C, above 0.</param>
    /// <param name="random">Draws the vectors.</param>
    public FeatureBank(int images, int dimension, Generator random) : base(nameof(FeatureBank))
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(images);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(dimension);
        using var scope = NewDisposeScope();
        features = nn
            .functional.normalize(randn([images, dimension], generator: random), dim: 1)
            .DetachFromDisposeScope();
        RegisterComponents();
    }

    /// <summary>The features, L2-normalized. Shape [M, C].</summary>
    public Tensor Features => features;

    /// <summary>Copies the features of some images.</summary>
    /// <param name="images">Indices, 0 to M - 1. Shape [N].</param>
    /// <returns>Shape [N, C].</returns>
    public Tensor Get(Tensor images)
    {
        using var noGrad = no_grad();
        return features.index_select(0, images);
    }

    /// <summary>Updates feature = normalize(momentum feature + (1 - momentum) newest).</summary>
    /// <param name="images">Indices of the whole batch. Shape [N].</param>
    /// <param name="newest">L2-normalized. Shape [N, C].</param>
    /// <param name="momentum">Weight of the old feature, 0 to below 1.</param>
    public void Update(Tensor images, Tensor newest, double momentum)
    {
        using var noGrad = no_grad();
        using var scope = NewDisposeScope();
        var mixed = Get(images).mul_(Held(momentum)).add_(newest, Held(1 - momentum));
        features.index_copy_(0, images, nn.functional.normalize(mixed, dim: 1));
    }
}
