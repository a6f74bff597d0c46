using System.ComponentModel;
using System.Text.Json.Serialization;
using MoCoSharp.Data;

namespace MoCoSharp.Models;

/// <summary>The first layers of a ResNet.</summary>
[JsonConverter(typeof(EnumNameConverter<EncoderStem>))]
public enum EncoderStem
{
    /// <summary>A 7x7 convolution of stride 2, then max pooling: for photos.</summary>
    [JsonStringEnumMemberName("imagenet")]
    ImageNet,

    /// <summary>A 3x3 convolution of stride 1: for images of 32 pixels.</summary>
    [JsonStringEnumMemberName("cifar")]
    Cifar,

    /// <summary>A 3x3 convolution of stride 2: for small images, at a quarter of the cost.</summary>
    [JsonStringEnumMemberName("small")]
    Small,
}

/// <summary>The layers after the pooled features, used in training.</summary>
[JsonConverter(typeof(EnumNameConverter<EncoderHead>))]
public enum EncoderHead
{
    /// <summary>One linear layer.</summary>
    [JsonStringEnumMemberName("linear"), Description("MoCo v1")]
    Linear,

    /// <summary>A hidden layer as wide as the features, ReLU, and a linear layer.</summary>
    [JsonStringEnumMemberName("mlp"), Description("MoCo v2")]
    Mlp,

    /// <summary>As <see cref="Mlp"/>, with BatchNorm before the ReLU.</summary>
    [JsonStringEnumMemberName("mlp-bn"), Description("SimCLR")]
    MlpBn,

    /// <summary>As <see cref="Mlp"/>, with two hidden layers.</summary>
    [JsonStringEnumMemberName("mlp3")]
    Mlp3,

    /// <summary>As <see cref="MlpBn"/>, with two hidden layers (SimCLR v2).</summary>
    [JsonStringEnumMemberName("mlp3-bn")]
    Mlp3Bn,

    /// <summary>No head: the encoder returns its features. For evaluation, not for pre-training.</summary>
    [JsonStringEnumMemberName("none")]
    None,
}

/// <summary>The architecture of an encoder: a ResNet, its first layers and its head.</summary>
public sealed record EncoderOptions
{
    /// <summary>
    /// Layers: 10, 18, 20, 34, 50, 101 or 152. 10 is a ResNet-18 with one block a stage instead of two: about half the
    /// cost, for CPUs. 20 is a ResNet-18 with a third block in the last stage, as Microsoft's ImageNet weights have it.
    /// </summary>
    public int Depth { get; init; } = 50;

    /// <summary>Channels of the first stage, above 0; 64 is standard.</summary>
    public int Width { get; init; } = 64;

    /// <summary>The first layers.</summary>
    public EncoderStem Stem { get; init; } = EncoderStem.ImageNet;

    /// <summary>The layers after the pooled features.</summary>
    public EncoderHead Head { get; init; } = EncoderHead.Mlp;

    /// <summary>
    /// Size of an MLP head's hidden layers, above 0. Null is the size of the features, as in MoCo v2. Narrow encoders
    /// learn better with a wide head.
    /// </summary>
    public int? HeadWidth { get; init; }

    /// <summary>
    /// Activation checkpointing: the backward pass recomputes each stage's activations instead of keeping them. Uses
    /// less memory and about a third more time; results are bit-identical.
    /// </summary>
    [JsonPropertyName("recompute")]
    public bool ActivationCheckpointing { get; init; }

    /// <summary>All faults of these options; each names its option.</summary>
    public IEnumerable<string> Validate()
    {
        if (!ResNetStages.Blocks.ContainsKey(Depth))
        {
            yield return $"encoder.depth is {Depth}, expected one of " +
                $"{string.Join(", ", ResNetStages.Blocks.Keys.Order())}.";
        }

        if (Width is < 1 or > 4096)
        {
            yield return $"encoder.width is {Width}, expected 1 to 4096. 64 is standard.";
        }

        if (EnumNames.Fault("encoder.stem", Stem) is { } stem)
        {
            yield return stem;
        }

        if (EnumNames.Fault("encoder.head", Head) is { } head)
        {
            yield return head;
        }

        if (HeadWidth is < 1 or > 65536)
        {
            yield return $"encoder.headWidth is {HeadWidth}, expected 1 to 65536, or null for the size of the " +
                "features.";
        }
    }
}

/// <summary>The supported depths.</summary>
internal static class EncoderDepths
{
    /// <summary>10 to 152.</summary>
    public static IEnumerable<int> All => ResNetStages.Blocks.Keys.Order();

    /// <summary>Finds the depth with these blocks per stage; null if there is none.</summary>
    /// <param name="blocks">Blocks in each of the four stages.</param>
    /// <param name="hasBottleneck">Whether a block has three convolutions.</param>
    public static int? Find(IReadOnlyList<int> blocks, bool hasBottleneck) => ResNetStages.Blocks
        .Where(item => item.Value.SequenceEqual(blocks) && ResNetStages.HasBottleneck(item.Key) == hasBottleneck)
        .Select(item => (int?)item.Key).FirstOrDefault();
}

/// <summary>Blocks in each of the four stages, by depth: the table of He et al. 2016, and two more.</summary>
internal static class ResNetStages
{
    public static IReadOnlyDictionary<int, int[]> Blocks { get; } = new Dictionary<int, int[]>
    {
        [10] = [1, 1, 1, 1],
        [18] = [2, 2, 2, 2],
        [20] = [2, 2, 2, 3], // the ONNX file of the package Microsoft.ML.DnnImageFeaturizer.ResNet18
        [34] = [3, 4, 6, 3],
        [50] = [3, 4, 6, 3],
        [101] = [3, 4, 23, 3],
        [152] = [3, 8, 36, 3],
    };

    public static bool HasBottleneck(int depth) => depth >= 50;

    /// <summary>Whether PyTorch's libraries have a model of this depth, such as "resnet18".</summary>
    public static bool HasName(int depth) => depth is not (10 or 20);
}
