using System.Text.Json;
using MoCoSharp.Encoders;
using MoCoSharp.Models;
using MoCoSharp.PyTorch;
using TorchSharp;
using static TorchSharp.torch;

namespace MoCoSharp.Export;

/// <summary>A state dictionary as torch.save writes it, under torchvision's names, which are timm's too.</summary>
/// <param name="name">The name of the library.</param>
internal abstract class StateDictFormat(string name) : ExportFormat(name)
{
    /// <inheritdoc/>
    internal override IEnumerable<string> FormatFaults(TrainedEncoder trained, bool withHead, string path)
    {
        var options = trained.Encoder.Options;
        if (options.Width != 64)
        {
            yield return $"{Name}'s resnet{options.Depth} has width 64, this encoder has width {options.Width}: " +
                "no tensor would fit. Export onnx, which includes the architecture, or safetensors.";
        }
    }

    /// <inheritdoc/>
    internal override void Write(string path, TrainedEncoder trained, bool withHead)
    {
        using var scope = NewDisposeScope();
        var state = new PickleDictionary(isOrderedDict: true);
        foreach (var (key, tensor) in EncoderFile.Weights(trained.Encoder, withHead))
        {
            state.Add(key, tensor);
        }

        TorchFile.Write(path, state);
    }

    /// <inheritdoc/>
    internal override double Difference(string path, TrainedEncoder trained, bool withHead)
    {
        using var file = TorchFile.Read(path);
        return ExportCheck.Difference(
            trained, withHead, path,
            ((PickleDictionary)file.Root).Tensors().ToDictionary(item => item.Key, item => item.Value.Tensor));
    }

    /// <summary>A text as a string of Python, which is also a string of C#.</summary>
    internal static string Quoted(string text) => $"\"{JsonEncodedText.Encode(text)}\"";

    /// <summary>The block and the blocks of each stage, for a depth that Python's libraries do not name.</summary>
    protected static string Blocks(string module, int depth) =>
        $"{module}.{(ResNetStages.HasBottleneck(depth) ? "Bottleneck" : "BasicBlock")}, " +
        $"[{string.Join(", ", ResNetStages.Blocks[depth])}]";

    /// <summary>The arguments of torchvision's function: the number of classes of a classifier.</summary>
    internal static string NumClasses(TrainedEncoder trained, bool withHead) =>
        withHead && trained.Classes.Count > 0 ? $"num_classes={trained.Classes.Count}" : "";

    /// <summary>Python that names the classes of a classifier: a state dictionary does not hold them.</summary>
    internal static IEnumerable<string> ClassNames(TrainedEncoder trained, bool withHead) =>
        withHead && trained.Classes.Count > 0
        ? [$"classes = [{string.Join(", ", trained.Classes.Select(Quoted))}]"]
        : [];

    /// <summary>Python that replaces the layers of "model" that differ from those of the encoder.</summary>
    internal static IEnumerable<string> Replacements(TrainedEncoder trained, bool withHead)
    {
        var encoder = trained.Encoder;
        if (encoder.Options.Stem is EncoderStem.Cifar or EncoderStem.Small)
        {
            yield return "model.conv1 = torch.nn.Conv2d(3, 64, 3, " +
                $"stride={(encoder.Options.Stem == EncoderStem.Cifar ? 1 : 2)}, padding=1, bias=False)";
            yield return "model.maxpool = torch.nn.Identity()";
        }

        if (withHead && trained.Classes.Count > 0)
        {
            yield break; // num_classes makes that layer
        }

        var (features, outputs) = (encoder.FeatureSize, encoder.OutputSize);
        var hidden = encoder.Options.HeadWidth ?? features;
        yield return "model.fc = torch.nn." + (withHead ? encoder.Options.Head : EncoderHead.None) switch
        {
            EncoderHead.Linear => $"Linear({features}, {outputs})",
            EncoderHead.None => "Identity()",
            var mlp => $"Sequential({AllHidden(mlp)}torch.nn.Linear({hidden}, {outputs}))",
        };

        string AllHidden(EncoderHead head) => string.Concat(
            Enumerable.Range(0, Head.HiddenLayers(head)).Select(layer => Hidden(head, layer == 0 ? features : hidden)));

        string Hidden(EncoderHead head, int inputs) => Head.HasNorm(head)
            ? $"torch.nn.Linear({inputs}, {hidden}, bias=False), torch.nn.BatchNorm1d({hidden}), " +
                "torch.nn.ReLU(), "
            : $"torch.nn.Linear({inputs}, {hidden}), torch.nn.ReLU(), ";
    }
}

/// <summary>A state dictionary for torchvision.models.</summary>
internal sealed class TorchvisionFormat() : StateDictFormat("torchvision")
{
    /// <inheritdoc/>
    internal override IEnumerable<string> Loading(TrainedEncoder trained, bool withHead, string path)
    {
        return
        [
            "import torch, torchvision",
            $"model = {Model(trained, withHead)}",
            .. Replacements(trained, withHead),
            $"model.load_state_dict(torch.load({Quoted(path)}))",
            .. ClassNames(trained, withHead),
        ];
    }

    /// <summary>Python that creates the model with torchvision's layers. The other layers are replaced.</summary>
    internal static string Model(TrainedEncoder trained, bool withHead)
    {
        var (depth, classes) = (trained.Encoder.Options.Depth, NumClasses(trained, withHead));
        return ResNetStages.HasName(depth)
            ? $"torchvision.models.resnet{depth}({classes})"
            : $"torchvision.models.ResNet({Blocks("torchvision.models.resnet", depth)}" +
                $"{(classes.Length > 0 ? $", {classes}" : "")})";
    }
}

/// <summary>A state dictionary for timm.</summary>
internal sealed class TimmFormat() : StateDictFormat("timm")
{
    /// <inheritdoc/>
    internal override IEnumerable<string> Loading(TrainedEncoder trained, bool withHead, string path)
    {
        var options = trained.Encoder.Options;
        var isClassifier = withHead && trained.Classes.Count > 0;
        var classes = isClassifier ? $", {NumClasses(trained, withHead)}" : "";
        var model = ResNetStages.HasName(options.Depth)
            ? $"timm.create_model(\"resnet{options.Depth}\"{classes})"
            : $"timm.models.resnet.ResNet({Blocks("timm.models.resnet", options.Depth)}{classes})";
        return ResNetStages.HasName(options.Depth)
            && options.Stem == EncoderStem.ImageNet
            && (isClassifier || !withHead)
            ?
            [
                "import timm",
                $"model = timm.create_model(\"resnet{options.Depth}\", " +
                $"num_classes={(isClassifier ? trained.Classes.Count : 0)}, checkpoint_path={Quoted(path)})",
                .. ClassNames(trained, withHead),
            ]
            :
            [
                "import timm, torch",
                $"model = {model}",
                .. Replacements(trained, withHead),
                $"timm.models.load_checkpoint(model, {Quoted(path)})",
                .. ClassNames(trained, withHead),
            ];
    }
}
