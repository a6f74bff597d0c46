using MoCoSharp.Data;
using MoCoSharp.Encoders;

namespace MoCoSharp.Export;

/// <summary>Weights under torchvision's keys, in safetensors, with the metadata that MoCoSharp loads.</summary>
internal sealed class SafeTensorsFormat() : ExportFormat("safetensors")
{
    /// <inheritdoc/>
    internal override string Loader => "MoCoSharp or Python";

    /// <inheritdoc/>
    internal override IEnumerable<string> Loading(TrainedEncoder trained, bool withHead, string path)
    {
        yield return $"moco embed {Shell.Quote(path)} --data photos -o features.npy";
        var quoted = StateDictFormat.Quoted(path);
        var role = trained.Role == EncoderRole.Key ? ", EncoderRole.Key" : "";
        yield return $"using var trained = TrainedEncoder.Load({quoted}{role}); // C#";
        yield return "";
        var options = trained.Encoder.Options;
        if (options.Width != 64)
        {
            yield return $"# Python: torchvision has no ResNet-{options.Depth} of width " +
                $"{options.Width}; these are the tensors, for a model of your own";
            yield return "import safetensors.torch";
            yield return $"weights = safetensors.torch.load_file({quoted})";
            yield break;
        }

        yield return "import safetensors.torch, torch, torchvision";
        yield return $"model = {TorchvisionFormat.Model(trained, withHead)}";
        foreach (var line in StateDictFormat.Replacements(trained, withHead))
        {
            yield return line;
        }

        yield return $"model.load_state_dict(safetensors.torch.load_file({quoted}))";
    }

    /// <inheritdoc/>
    internal override void Write(string path, TrainedEncoder trained, bool withHead) =>
        EncoderFile.Write(path, trained, withHead);

    /// <inheritdoc/>
    internal override double Difference(string path, TrainedEncoder trained, bool withHead)
    {
        using var reloaded = TrainedEncoder.Load(path, trained.Role);
        return ExportCheck.Difference(
            trained,
            withHead,
            images => withHead ? reloaded.Encoder.call(images) : reloaded.Encoder.Features(images));
    }
}
