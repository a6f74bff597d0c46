using System.Globalization;
using MoCoSharp.Data;
using MoCoSharp.Data.Views;
using MoCoSharp.Encoders;
using MoCoSharp.Models;
using MoCoSharp.PyTorch;
using TorchSharp;
using static TorchSharp.torch;

namespace MoCoSharp.Export;

/// <summary>
/// A backbone for detectron2: a pickle of NumPy arrays under detectron2's names. Its loader recognizes the ending .pkl.
/// </summary>
/// <remarks>
/// The result of MoCo's detection/convert-pretrain-to-detectron2.py on an official checkpoint, without the head.
/// </remarks>
internal sealed class Detectron2Format() : ExportFormat("detectron2")
{
    /// <inheritdoc/>
    internal override IEnumerable<string> FormatFaults(TrainedEncoder trained, bool withHead, string path)
    {
        var options = trained.Encoder.Options;
        if (options.Stem != EncoderStem.ImageNet)
        {
            yield return "detectron2's ResNet begins with a 7x7 convolution and a pool, " +
                $"this encoder with a {options.Stem.Name()} stem: detectron2 cannot build it.";
        }

        if (!ResNetStages.HasName(options.Depth))
        {
            yield return $"detectron2 has no ResNet-{options.Depth}: expected a depth of 18, 34, 50, 101 or 152. " +
                "Export onnx or safetensors, or use `moco detect`.";
        }

        if (options.Width != 64 && !ResNetStages.HasBottleneck(options.Depth))
        {
            yield return $"detectron2's ResNet-{options.Depth} has width 64, this encoder has width " +
                $"{options.Width}: no tensor would fit.";
        }

        if (withHead)
        {
            yield return "detectron2's backbones have no head. Leave out --head.";
        }

        if (!Path.GetExtension(path).Equals(".pkl", StringComparison.Ordinal))
        {
            yield return $"--output {path} does not end in .pkl, by which detectron2 recognizes such a file.";
        }
    }

    /// <inheritdoc/>
    internal override IEnumerable<string> Loading(TrainedEncoder trained, bool withHead, string path)
    {
        var options = trained.Encoder.Options;
        var normalize = ViewRecipes.Evaluation(trained.Views).Normalize;
        yield return "MODEL:";
        yield return $"  WEIGHTS: {StateDictFormat.Quoted(path)}";
        yield return $"  PIXEL_MEAN: [{Scaled(normalize.Mean)}]";
        yield return $"  PIXEL_STD: [{Scaled(normalize.Std)}]";
        yield return "  BACKBONE:";
        yield return "    FREEZE_AT: 0";
        yield return "  RESNETS:";
        yield return $"    DEPTH: {options.Depth}";
        yield return "    NORM: \"SyncBN\"";
        yield return "    STRIDE_IN_1X1: False";
        if (!ResNetStages.HasBottleneck(options.Depth))
        {
            yield return "    RES2_OUT_CHANNELS: 64";
        }
        else if (options.Width != 64)
        {
            yield return $"    STEM_OUT_CHANNELS: {options.Width}";
            yield return $"    WIDTH_PER_GROUP: {options.Width}";
            yield return $"    RES2_OUT_CHANNELS: {options.Width * Bottleneck.Expansion}";
        }

        yield return "INPUT:";
        yield return "  FORMAT: \"RGB\"";
    }

    /// <summary>The name in detectron2: "res2.0.conv2.norm.weight" for "layer1.0.bn2.weight".</summary>
    internal static string Rename(string name)
    {
        name = name.StartsWith("layer", StringComparison.Ordinal)
            ? $"res{name[5] - '0' + 1}{name[6..]}"
            : "stem." + name;
        return name
            .Replace("bn1.", "conv1.norm.", StringComparison.Ordinal)
            .Replace("bn2.", "conv2.norm.", StringComparison.Ordinal)
            .Replace("bn3.", "conv3.norm.", StringComparison.Ordinal)
            .Replace("downsample.0.", "shortcut.", StringComparison.Ordinal)
            .Replace("downsample.1.", "shortcut.norm.", StringComparison.Ordinal);
    }

    /// <summary>Only if asked for, which is a fault: detectron2 takes the backbone alone.</summary>
    internal override bool TakesHead(TrainedEncoder trained, bool asked) => asked;

    /// <inheritdoc/>
    internal override void Write(string path, TrainedEncoder trained, bool withHead)
    {
        using var scope = NewDisposeScope();
        var weights = new PickleDictionary();
        foreach (var (name, tensor) in EncoderFile.Weights(trained.Encoder, withHead: false))
        {
            weights.Add(Rename(name), tensor);
        }

        TorchFile.Write(
            path,
            new PickleDictionary
            {
                { "model", weights }, { "__author__", "MoCoSharp" }, { "matching_heuristics", true },
            },
            TorchFormat.Pickle);
    }

    /// <inheritdoc/>
    internal override double Difference(string path, TrainedEncoder trained, bool withHead)
    {
        using var file = TorchFile.Read(path);
        var weights = (PickleDictionary)((PickleDictionary)file.Root)["model"];
        return ExportCheck.Difference(
            trained, withHead: false, path,
            EncoderFile.Weights(trained.Encoder, withHead: false)
                .ToDictionary(item => item.Name, item => ((PickleTensor)weights[Rename(item.Name)]).Tensor));
    }

    // detectron2 normalizes pixels of 0 to 255.
    private static string Scaled(IEnumerable<float> values) =>
        string.Join(", ", values.Select(value => Math.Round(value * 255.0, 3).ToString(CultureInfo.InvariantCulture)));
}
