using MoCoSharp.Data;
using MoCoSharp.Encoders;

namespace MoCoSharp.Export;

/// <summary>
/// Weights under torchvision's keys, in safetensors; with all that MoCoSharp needs to go on with them.
/// </summary>
public sealed class SafeTensorsFormat() : ExportFormat("safetensors")
{
    /// <inheritdoc/>
    public override string Loader => "MoCoSharp or Python";

    /// <inheritdoc/>
    public override IEnumerable<string> Loading(TrainedEncoder trained, bool withHead, string path)
    {
        ArgumentNullException.ThrowIfNull(trained);
        yield return $"moco embed {Shell.Quote(path)} --data photos -o features.npy";
        yield return "using var trained = " +
            $"TrainedEncoder.Load({StateDictFormat.Quoted(path)}{(trained.Role == EncoderRole.Key ? ", EncoderRole.Key" : "")}); // C#";
        yield return "";
        if (trained.Encoder.Options.Width != 64)
        {
            yield return $"# Python: torchvision has no ResNet-{trained.Encoder.Options.Depth} of width " +
                $"{trained.Encoder.Options.Width}; these are the tensors, for a model of your own";
            yield return "import safetensors.torch";
            yield return $"weights = safetensors.torch.load_file({StateDictFormat.Quoted(path)})";
            yield break;
        }

        yield return "import safetensors.torch, torch, torchvision";
        yield return "model = " +
            $"torchvision.models.resnet{trained.Encoder.Options.Depth}({StateDictFormat.NumClasses(trained, withHead)})";
        foreach (var line in StateDictFormat.Replacements(trained, withHead))
        {
            yield return line;
        }

        yield return $"model.load_state_dict(safetensors.torch.load_file({StateDictFormat.Quoted(path)}))";
    }

    /// <inheritdoc/>
    protected override void Write(string path, TrainedEncoder trained, bool withHead) =>
        EncoderFile.Write(path, trained, withHead);

    /// <inheritdoc/>
    protected override double Difference(string path, TrainedEncoder trained, bool withHead)
    {
        ArgumentNullException.ThrowIfNull(trained);
        using var reloaded = TrainedEncoder.Load(path, trained.Role);
        return ExportCheck.Difference(
            trained,
            withHead,
            images => withHead ? reloaded.Encoder.call(images) : reloaded.Encoder.Features(images));
    }
}
