using System.Globalization;
using MoCoSharp.Data;
using MoCoSharp.Encoders;
using MoCoSharp.Models;
using MoCoSharp.PyTorch;
using TorchSharp;
using static TorchSharp.torch;

namespace MoCoSharp.Export;

/// <summary>
/// MoCo's official layout for torch.load. Of a training the whole goes along, so that official code resumes from it; of
/// an encoder alone what the released files hold: the encoder with its head, called module.encoder_q whichever it was,
/// since that is what official evaluation takes.
/// </summary>
/// <param name="checkpoint">
/// Of the training that goes along, from <see cref="OfficialCheckpoint.Find"/>; null leaves the encoder alone.
/// </param>
public sealed class OfficialFormat(string? checkpoint) : ExportFormat("torch")
{
    /// <inheritdoc/>
    public override string Check =>
        checkpoint is null ? base.Check : $"{base.Check}; both encoders, queue and velocities compared bit by bit";

    /// <inheritdoc/>
    public override IEnumerable<string> Loading(TrainedEncoder trained, bool withHead, string path)
    {
        ArgumentNullException.ThrowIfNull(trained);
        var options = trained.Encoder.Options;
        if (options.Width != 64 || options.Stem != EncoderStem.ImageNet)
        {
            yield return $"# official code builds torchvision's resnet{options.Depth}, this is " +
                $"{trained.Architecture}: give it a model of your own";
        }

        if (checkpoint is not null && trained.Run?.MoCo is { } moco)
        {
            yield return string.Create(CultureInfo.InvariantCulture,
                $"python main_moco.py -a resnet{options.Depth} --resume {Shell.Quote(path)} --moco-dim " +
                $"{trained.Encoder.OutputSize} --moco-k {moco.QueueSize} ")
                + string.Create(
                    CultureInfo.InvariantCulture,
                    $"--moco-m {moco.Momentum} --moco-t " +
                    $"{moco.Temperature}{(options.Head == EncoderHead.Mlp ? " --mlp" : "")} ...");
        }

        yield return $"python main_lincls.py -a resnet{options.Depth} --pretrained {Shell.Quote(path)} ...";
    }

    /// <inheritdoc/>
    protected override void Write(string path, TrainedEncoder trained, bool withHead)
    {
        ArgumentNullException.ThrowIfNull(trained);
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
    protected override double Difference(string path, TrainedEncoder trained, bool withHead)
    {
        ArgumentNullException.ThrowIfNull(trained);
        var stem = trained.Encoder.Options.Stem;
        using var weights = ForeignWeights.Read(path, stem: stem == EncoderStem.ImageNet ? null : stem);
        return checkpoint is null || OfficialCheckpoint.IsSame(weights, checkpoint)
            ? ExportCheck.Difference(trained, trained.Encoder.Options.Head != EncoderHead.None, path, weights.Query)
            : double.PositiveInfinity;
    }
}
