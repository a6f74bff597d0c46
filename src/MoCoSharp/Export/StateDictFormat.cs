using System.Text.Json;
using MoCoSharp.Encoders;
using MoCoSharp.Models;
using MoCoSharp.PyTorch;
using TorchSharp;
using static TorchSharp.torch;

namespace MoCoSharp.Export;

/// <summary>A state dictionary as torch.save writes it, under torchvision's names, which are timm's too.</summary>
/// <param name="name">Of the library.</param>
public abstract class StateDictFormat(string name) : ExportFormat(name)
{
    /// <inheritdoc/>
    public override IEnumerable<string> Faults(TrainedEncoder trained, bool withHead, string path)
    {
        var options = trained.Encoder.Options;
        if (options.Width != 64)
        {
            yield return $"{Name}'s resnet{options.Depth} is of width 64, this encoder of width {options.Width}: no " +
                "tensor would fit. "
                + "Export onnx, which brings the architecture along, or safetensors.";
        }
    }

    /// <inheritdoc/>
    protected override void Write(string path, TrainedEncoder trained, bool withHead)
    {
        ArgumentNullException.ThrowIfNull(trained);
        using var scope = NewDisposeScope();
        var state = new PickleDictionary(isOrderedDict: true);
        foreach (var (key, tensor) in EncoderFile.Weights(trained.Encoder, withHead))
        {
            state.Add(key, tensor);
        }

        TorchFile.Write(path, state);
    }

    /// <inheritdoc/>
    protected override double Difference(string path, TrainedEncoder trained, bool withHead)
    {
        using var file = TorchFile.Read(path);
        return ExportCheck.Difference(
            trained, withHead, path,
            ((PickleDictionary)file.Root).Tensors().ToDictionary(item => item.Key, item => item.Value.Tensor));
    }

    /// <summary>A text as Python writes it.</summary>
    internal static string Quoted(string text) => $"\"{JsonEncodedText.Encode(text)}\"";

    /// <summary>Arguments of torchvision's function: a classifier's number of classes.</summary>
    internal static string NumClasses(TrainedEncoder trained, bool withHead) =>
        withHead && trained.Classes.Count > 0 ? $"num_classes={trained.Classes.Count}" : "";

    /// <summary>Python that names a classifier's classes, which a state dictionary does not.</summary>
    internal static IEnumerable<string> ClassNames(TrainedEncoder trained, bool withHead) =>
        withHead && trained.Classes.Count > 0
        ? [$"classes = [{string.Join(", ", trained.Classes.Select(Quoted))}]"]
        : [];

    /// <summary>
    /// Python that gives "model" the layers in which the encoder differs from the library's own ResNet.
    /// </summary>
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
        yield return "model.fc = torch.nn." + (withHead ? encoder.Options.Head : EncoderHead.None) switch
        {
            EncoderHead.Linear => $"Linear({features}, {outputs})",
            EncoderHead.None => "Identity()",
            var mlp =>
                $"Sequential({string.Concat(Enumerable.Repeat(Hidden(mlp), Head.HiddenLayers(mlp)))}torch.nn.Linear({features}, {outputs}))",
        };

        string Hidden(EncoderHead head) => Head.HasNorm(head)
            ? $"torch.nn.Linear({features}, {features}, bias=False), torch.nn.BatchNorm1d({features}), " +
                "torch.nn.ReLU(), "
            : $"torch.nn.Linear({features}, {features}), torch.nn.ReLU(), ";
    }
}

/// <summary>For torchvision.models.</summary>
public sealed class TorchvisionFormat() : StateDictFormat("torchvision")
{
    /// <inheritdoc/>
    public override IEnumerable<string> Loading(TrainedEncoder trained, bool withHead, string path)
    {
        ArgumentNullException.ThrowIfNull(trained);
        return
        [
            "import torch, torchvision",
            $"model = torchvision.models.resnet{trained.Encoder.Options.Depth}({NumClasses(trained, withHead)})",
            .. Replacements(trained, withHead),
            $"model.load_state_dict(torch.load({Quoted(path)}))",
            .. ClassNames(trained, withHead),
        ];
    }
}

/// <summary>For timm.</summary>
public sealed class TimmFormat() : StateDictFormat("timm")
{
    /// <inheritdoc/>
    public override IEnumerable<string> Loading(TrainedEncoder trained, bool withHead, string path)
    {
        ArgumentNullException.ThrowIfNull(trained);
        var options = trained.Encoder.Options;
        var isClassifier = withHead && trained.Classes.Count > 0;
        return options.Stem == EncoderStem.ImageNet && (isClassifier || !withHead)
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
                "model = " +
                $"timm.create_model(\"resnet{options.Depth}\"{(isClassifier ? $", {NumClasses(trained, withHead)}" : "")})",
                .. Replacements(trained, withHead),
                $"timm.models.load_checkpoint(model, {Quoted(path)})",
                .. ClassNames(trained, withHead),
            ];
    }
}
