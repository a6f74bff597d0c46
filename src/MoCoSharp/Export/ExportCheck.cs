using MoCoSharp.Encoders;
using MoCoSharp.Models;
using TorchSharp;
using static MoCoSharp.Kernels.Scalars;
using static TorchSharp.torch;

namespace MoCoSharp.Export;

/// <summary>Compares an exported file with its encoder: the same images must give the same features.</summary>
internal static class ExportCheck
{
    /// <summary>The greatest difference that rounding in float32 explains, as a share of the largest feature.</summary>
    public const double Tolerance = 1e-5;

    private static readonly int[] BatchSizes = [1, 3]; // two, because the batch size is free

    /// <summary>Compares features of random images of the encoder's size, the same images every time.</summary>
    /// <param name="trained">The encoder.</param>
    /// <param name="withHead">Whether to compare the head's output instead of the pooled features.</param>
    /// <param name="exported">Runs the exported model: [N, 3, H, W] to [N, D] or [N, C].</param>
    /// <returns>
    /// The greatest difference over all features, as a share of the largest feature; infinite if shapes differ.
    /// </returns>
    public static double Difference(TrainedEncoder trained, bool withHead, Func<Tensor, Tensor> exported)
    {
        ArgumentNullException.ThrowIfNull(trained);
        ArgumentNullException.ThrowIfNull(exported);
        using var noGrad = no_grad();
        using var scope = NewDisposeScope();
        using var random = new Generator(0);
        var size = trained.Views.Size;
        var greatest = 0.0;
        foreach (var count in BatchSizes)
        {
            var images = randn([count, 3, size, size], generator: random);
            var expected = withHead ? trained.Encoder.call(images) : trained.Encoder.Features(images);
            var actual = exported(images);
            if (!actual.shape.SequenceEqual(expected.shape))
            {
                return double.PositiveInfinity;
            }

            var share = (actual - expected).abs().max() / expected.abs().max().clamp_min(Held(float.Epsilon));
            greatest = Math.Max(greatest, share.item<float>()); // NaN stays NaN
        }

        return greatest;
    }

    /// <summary>Compares the encoder with one of the same architecture and the reloaded weights.</summary>
    /// <param name="trained">The encoder.</param>
    /// <param name="withHead">Whether the head is among the weights. Then its output is compared.</param>
    /// <param name="path">The file of the weights, for messages.</param>
    /// <param name="weights">The reloaded weights by torchvision's names.</param>
    /// <exception cref="InvalidDataException">Weights are missing, or have another shape.</exception>
    public static double Difference(
        TrainedEncoder trained, bool withHead, string path, IReadOnlyDictionary<string, Tensor> weights)
    {
        ArgumentNullException.ThrowIfNull(trained);
        var options = trained.Encoder.Options;
        using var reloaded = EncoderFile.Build(
            path,
            withHead ? options : options with { Head = EncoderHead.None, HeadWidth = null },
            trained.Encoder.OutputSize,
            weights,
            prefix: "");
        return Difference(trained, withHead, reloaded.call); // without a head its output is the features
    }
}
