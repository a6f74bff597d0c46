using MoCoSharp.Encoders;
using MoCoSharp.Models;
using TorchSharp;
using static MoCoSharp.Kernels.Scalars;
using static TorchSharp.torch;

namespace MoCoSharp.Export;

/// <summary>Holds what was exported to the encoder that it was made of: the same images, the same features.</summary>
public static class ExportCheck
{
    /// <summary>The greatest difference that rounding in float32 explains, as a share of the largest feature.</summary>
    public const double Tolerance = 1e-5;

    private static readonly int[] BatchSizes = [1, 3]; // two, since the batch size is free

    /// <summary>Compares on random images of the encoder's size, the same ones every time.</summary>
    /// <param name="trained">What the file was made of.</param>
    /// <param name="withHead">Which output.</param>
    /// <param name="exported">Runs what the file holds: [N, 3, H, W] to [N, D] or [N, C].</param>
    /// <returns>
    /// The greatest difference over all features, as a share of the largest feature; infinite where shapes differ.
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
            greatest = Math.Max(greatest, share.item<float>()); // not a number stays so
        }

        return greatest;
    }

    /// <summary>Compares an encoder of the same architecture with weights that were read back.</summary>
    /// <param name="trained">What the file was made of.</param>
    /// <param name="withHead">Whether the head is among the weights, and its output is compared.</param>
    /// <param name="path">Where the weights come from, for messages.</param>
    /// <param name="weights">By torchvision's names.</param>
    /// <exception cref="InvalidDataException">Weights are missing, or have another shape.</exception>
    public static double Difference(
        TrainedEncoder trained, bool withHead, string path, IReadOnlyDictionary<string, Tensor> weights)
    {
        ArgumentNullException.ThrowIfNull(trained);
        var options = trained.Encoder.Options;
        using var reloaded = EncoderFile.Build(
            path,
            withHead ? options : options with { Head = EncoderHead.None },
            trained.Encoder.OutputSize,
            weights,
            prefix: "");
        return Difference(trained, withHead, reloaded.call); // without a head its output is the features
    }
}
