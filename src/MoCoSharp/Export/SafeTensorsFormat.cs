using MoCoSharp.Training;

namespace MoCoSharp.Export;

/// <summary>Weights under torchvision's keys, in safetensors; with all that MoCoSharp needs to go on with them.</summary>
public sealed class SafeTensorsFormat() : ExportFormat("safetensors")
{
    /// <inheritdoc/>
    protected override void Write(string path, TrainedEncoder trained, bool withHead) => EncoderFile.Write(path, trained, withHead);

    /// <inheritdoc/>
    protected override double Difference(string path, TrainedEncoder trained, bool withHead)
    {
        ArgumentNullException.ThrowIfNull(trained);
        using var reloaded = TrainedEncoder.Load(path, trained.Role);
        return ExportCheck.Difference(trained, withHead, images => withHead ? reloaded.Encoder.call(images) : reloaded.Encoder.Features(images));
    }
}
