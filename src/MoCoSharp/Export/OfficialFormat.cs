using System.Globalization;
using MoCoSharp.Data;
using MoCoSharp.Encoders;
using MoCoSharp.Models;
using MoCoSharp.PyTorch;
using TorchSharp;
using static TorchSharp.torch;

namespace MoCoSharp.Export;

/// <summary>
/// MoCo's official layout for torch.load. With a training checkpoint, official code can resume from the file. Without
/// one, the file holds what the released files hold: one encoder with its head. It is named module.encoder_q, for the
/// query encoder and for the key encoder, because official evaluation reads that name.
/// </summary>
/// <param name="checkpoint">
/// The checkpoint of the training, from <see cref="OfficialCheckpoint.Find"/>; null writes the encoder alone.
/// </param>
internal sealed class OfficialFormat(string? checkpoint) : ExportFormat("torch")
{
    /// <inheritdoc/>
    internal override string Check =>
        checkpoint is null ? base.Check : $"{base.Check}; both encoders, queue and velocities compared bit by bit";

    /// <inheritdoc/>
    internal override IEnumerable<string> Loading(TrainedEncoder trained, bool withHead, string path)
    {
        var options = trained.Encoder.Options;
        if (options.Width != 64 || options.Stem != EncoderStem.ImageNet || !ResNetStages.HasName(options.Depth))
        {
            yield return $"# official code builds torchvision's resnet{options.Depth}, this is " +
                $"{trained.Architecture}: give it a model of your own";
        }

        if (checkpoint is not null && trained.Run?.MoCo is { } moco)
        {
            var mlp = options.Head == EncoderHead.Mlp ? " --mlp" : "";
            yield return string.Create(
                CultureInfo.InvariantCulture,
                $"python main_moco.py -a resnet{options.Depth} --resume {Shell.Quote(path)} " +
                $"--moco-dim {trained.Encoder.OutputSize} --moco-k {moco.QueueSize} " +
                $"--moco-m {moco.Momentum} --moco-t {moco.Temperature}{mlp} ...");
        }

        yield return $"python main_lincls.py -a resnet{options.Depth} --pretrained {Shell.Quote(path)} ...";
    }

    /// <inheritdoc/>
    internal override IEnumerable<string> FormatFaults(TrainedEncoder trained, bool withHead, string path)
    {
        if (trained.Classes.Count > 0)
        {
            yield return $"{trained.Source}: is a classifier, and official code has no such model. " +
                "Take torchvision, timm, onnx or safetensors.";
        }
    }

    /// <summary>Always, if there is one: official files have a head.</summary>
    internal override bool TakesHead(TrainedEncoder trained, bool asked) =>
        asked || trained.Encoder.Options.Head != EncoderHead.None;

    /// <inheritdoc/>
    internal override void Write(string path, TrainedEncoder trained, bool withHead)
    {
        if (checkpoint is not null)
        {
            OfficialCheckpoint.Convert(checkpoint, path);
            return;
        }

        using var scope = NewDisposeScope();
        var state = new PickleDictionary(isOrderedDict: true);
        foreach (var (name, tensor) in EncoderFile.Weights(trained.Encoder, withHead: true))
        {
            state.Add(OfficialNames.Prefix + OfficialNames.Query + name, tensor);
        }

        TorchFile.Write(
            path,
            new PickleDictionary { ["arch"] = $"resnet{trained.Encoder.Options.Depth}", ["state_dict"] = state });
    }

    /// <inheritdoc/>
    internal override double Difference(string path, TrainedEncoder trained, bool withHead)
    {
        var stem = trained.Encoder.Options.Stem;
        using var weights = ForeignWeights.Read(path, stem: stem == EncoderStem.ImageNet ? null : stem);
        return checkpoint is null || OfficialCheckpoint.IsSame(weights, checkpoint)
            ? ExportCheck.Difference(trained, trained.Encoder.Options.Head != EncoderHead.None, path, weights.Query)
            : double.PositiveInfinity;
    }
}
