using MoCoSharp.Data;
using MoCoSharp.PyTorch;
using TorchSharp;
using static TorchSharp.torch;

namespace MoCoSharp.Models;

/// <summary>Infers the architecture of an encoder from the shapes of its weights.</summary>
internal static class EncoderShape
{
    private const int UsualWidth = 256; // an encoder of this width takes a gigabyte at most

    /// <summary>Whether a tensor of an encoder is a parameter, not a buffer.</summary>
    public static bool IsParameter(string name) =>
        name.EndsWith(".weight", StringComparison.Ordinal) || name.EndsWith(".bias", StringComparison.Ordinal);

    /// <summary>Depth, width, stem and head.</summary>
    /// <param name="source">Prefix of each message.</param>
    /// <param name="shapes">Shapes by torchvision's names.</param>
    /// <param name="stem">"cifar" or "small" for a first layer of 3x3; null takes "cifar".</param>
    /// <param name="ignored">Receives a description of a head that does not fit.</param>
    /// <returns>The options, and C; null if no head fits.</returns>
    /// <exception cref="InvalidDataException">No supported architecture has these shapes.</exception>
    public static (EncoderOptions Options, int? OutputSize) Infer(
        string source, IReadOnlyDictionary<string, IReadOnlyList<long>> shapes, EncoderStem? stem,
        List<string> ignored)
    {
        InvalidDataException Refused(string what) => new($"{source}: {what}");
        if (
            !shapes.TryGetValue("conv1.weight", out var first)
            || first is not [var width, 3, var kernel, _]
            || width is < 1 or > 4096)
        {
            throw Refused(
                $"its first convolution is of shape [{string.Join(", ", first ?? [])}], expected [width, 3, 7, 7] " +
                "or [width, 3, 3, 3].");
        }

        int[] blocks =
        [
            .. Enumerable
                .Range(1, 4)
                .Select(stage =>
                    Enumerable
                        .Range(0, 100)
                        .TakeWhile(i => shapes.ContainsKey($"layer{stage}.{i}.conv1.weight"))
                        .Count()),
        ];
        if (blocks is [> 0 and var n, > 0, > 0, 0])
        {
            throw Refused(
                $"it is a CIFAR ResNet-{(6 * n) + 2} of three stages"
                    + (
                        shapes.Keys.Any(name => name.Contains("downsample", StringComparison.Ordinal))
                            ? ""
                            : " with shortcuts that have no weights (option A)")
                    + "; the encoders here have four. Its tensors can be read with TorchFile.");
        }

        var isBottleneck = shapes.ContainsKey("layer1.0.conv3.weight");
        var depth = EncoderDepths.Find(blocks, isBottleneck) ?? throw Refused(
            $"its stages have {string.Join(", ", blocks)} {(isBottleneck ? "bottleneck" : "basic")} blocks, which " +
            $"no ResNet-{string.Join(", ", EncoderDepths.All)} has.");
        if (isBottleneck && shapes["layer1.0.conv1.weight"] is [var inner, ..] && inner != width)
        {
            throw Refused(
                $"its blocks are {inner} wide inside where ResNet-{depth} has {width}: a wide ResNet or a ResNeXt, " +
                "which the encoders here are not.");
        }

        if (
            isBottleneck
            && shapes.GetValueOrDefault("layer1.0.conv2.weight") is [var outputs, var inputs, ..]
            && outputs != inputs)
        {
            throw Refused("its convolutions are grouped: a ResNeXt, which the encoders here are not.");
        }

        var options = new EncoderOptions
        {
            Depth = depth,
            Width = (int)width,
            Stem = kernel == 7 ? EncoderStem.ImageNet : stem ?? EncoderStem.Cifar,
            Head = EncoderHead.Linear,
        };
        if (
            kernel is not (3 or 7)
            || (kernel == 7 && stem is not (null or EncoderStem.ImageNet))
            || options.Validate().Any())
        {
            throw Refused(
                $"its first convolution has a kernel of {kernel}, which does not go with the stem " +
                $"{options.Stem.Name()}: expected 7 (imagenet) or 3 (cifar, small).");
        }

        var features = width * 8 * (isBottleneck ? 4 : 1);
        if (shapes.GetValueOrDefault("fc.weight") is [var size, var linearInputs] && linearInputs == features)
        {
            return (options, (int)size);
        }

        if (
            shapes.GetValueOrDefault("fc.0.weight") is [var hidden, var mlpInputs]
            && mlpInputs == features
            && shapes.GetValueOrDefault("fc.2.weight") is [var mlpSize, var mlpHidden]
            && mlpHidden == hidden
            && shapes.ContainsKey("fc.0.bias")
            && shapes.ContainsKey("fc.2.bias")
            && shapes.Keys.Count(name => name.StartsWith("fc.", StringComparison.Ordinal)) == 4)
        {
            int? headWidth = hidden == features ? null : (int)hidden;
            return (options with { Head = EncoderHead.Mlp, HeadWidth = headWidth }, (int)mlpSize);
        }

        if (shapes.Where(item => item.Key.StartsWith("fc.", StringComparison.Ordinal)).ToList() is { Count: > 0 } head)
        {
            ignored.Add(
                "the head " +
                $"({string.Join(", ", head.Select(item => $"{item.Key} [{string.Join(", ", item.Value)}]"))}): "
                    + $"expected one linear layer on {features} features, or two, with biases");
        }

        return (options, null);
    }

    /// <summary>Compares every name and shape with the encoder's.</summary>
    /// <exception cref="InvalidDataException">
    /// Tensors are missing, unexpected, or of another shape; the message lists each kind.
    /// </exception>
    public static void Compare(
        string source, EncoderOptions options, int? outputSize, IReadOnlyDictionary<string, Tensor> weights)
    {
        // The encoder that is built below must not be larger than the file explains.
        if (weights.GetValueOrDefault("layer4.0.conv1.weight")?.shape is [var last, ..] && last != 8L * options.Width)
        {
            throw new InvalidDataException(
                $"{source}: is no ResNet-{options.Depth} as here: layer4.0.conv1.weight has {last} outputs, expected " +
                $"{8L * options.Width}, eight times those of conv1.weight.");
        }

        var widest = weights.GetValueOrDefault("layer4.0.conv2.weight")?.shape;
        if (
            widest is null
                ? options.Width > UsualWidth
                : !widest.SequenceEqual([8L * options.Width, 8L * options.Width, 3, 3]))
        {
            throw new InvalidDataException(
                $"{source}: is no ResNet-{options.Depth} as here: layer4.0.conv2.weight is " +
                $"{(widest is null ? "missing" : $"[{string.Join(", ", widest)}]")}, expected " +
                $"[{8L * options.Width}, {8L * options.Width}, 3, 3].");
        }

        using var random = new Generator(0);
        using var encoder = new Encoder(options, outputSize ?? 1, bnGroups: 1, random);
        var expected = encoder.state_dict()
            .Where(item => outputSize is not null || !item.Key.StartsWith("fc.", StringComparison.Ordinal))
            .ToDictionary(item => item.Key, item => item.Value.shape, StringComparer.Ordinal);
        var missing = expected.Keys.Where(name => !weights.ContainsKey(name) && !IsCounter(name)).ToList();
        var more = weights.Keys.Where(name => !expected.ContainsKey(name)).ToList();
        var other = weights
            .Where(item => expected.TryGetValue(item.Key, out var shape) && !shape.SequenceEqual(item.Value.shape))
            .Select(item =>
                $"{item.Key} [{string.Join(", ", item.Value.shape)}] for [{string.Join(", ", expected[item.Key])}]")
            .ToList();
        if (missing.Count + more.Count + other.Count > 0)
        {
            throw new InvalidDataException(
                $"{source}: is no ResNet-{options.Depth} as here: {missing.Count} tensors are missing{Some(missing)}, "
                    + $"{more.Count} are more than it has{Some(more)}, {other.Count} are of another shape{Some(other)}."
            );
        }
    }

    /// <summary>
    /// Whether a tensor counts batches. PyTorch before 0.4.1 had no counter, and no computation uses it.
    /// </summary>
    public static bool IsCounter(string name) => name.EndsWith("num_batches_tracked", StringComparison.Ordinal);

    private static string Some(List<string> names) =>
        names.Count == 0 ? "" : $" ({string.Join(", ", names.Take(5))}{(names.Count > 5 ? ", ..." : "")})";
}
