using MoCoSharp.PyTorch;
using MoCoSharp.Runs;
using static TorchSharp.torch;

namespace MoCoSharp.Detection.Transfer;

/// <summary>The whole state of a detection: tensors, velocities, the step, losses since the last report.</summary>
/// <param name="Trainer">The tensors, and the step.</param>
/// <param name="Losses">The losses since the last report: four for each step.</param>
/// <param name="Identity">What the run is.</param>
/// <remarks>
/// Order, sizes and samples are functions of the seed and of places in the stream.
/// So the step is the state of every random stream.
/// </remarks>
internal sealed record DetectionState(
    DetectorTrainer Trainer, IReadOnlyList<double[]> Losses, DetectionIdentity Identity) : IRunState
{
    private const string Format = "mocosharp.detection.1";

    /// <inheritdoc/>
    public long Step => Trainer.StepsDone;

    /// <inheritdoc/>
    public double? BestScore => null;

    /// <inheritdoc/>
    public IReadOnlyList<(string Name, Tensor Tensor)> GetTensors() => Trainer.GetTensors();

    /// <inheritdoc/>
    public IReadOnlyDictionary<string, string> GetMetadata() => new Dictionary<string, string>(StringComparer.Ordinal)
    {
        ["format"] = Format,
        ["step"] = $"{Step}",
        ["losses"] = NumberRows.Write(Losses),
        ["config"] = Identity.Config,
        ["data.fingerprint"] = Identity.Data,
    };

    /// <summary>Loads a state that was saved.</summary>
    /// <param name="path">The checkpoint.</param>
    /// <param name="trainer">Overwritten after all checks.</param>
    /// <param name="identity">What the run is.</param>
    /// <returns>The losses since the last report.</returns>
    /// <exception cref="InvalidDataException">The file is broken, or is not a state of a detection.</exception>
    /// <exception cref="OtherRunException">The file is of another configuration or of other images.</exception>
    public static List<double[]> Load(string path, DetectorTrainer trainer, DetectionIdentity identity)
    {
        using var file = SafeTensors.Read(path);
        using var scope = NewDisposeScope();
        var metadata = new StateMetadata(path, file.Metadata);
        metadata.Require("format", Format, "is not a checkpoint of a detection");
        metadata.RequireChecksum();
        if (!identity.HasConfig(metadata))
        {
            throw new OtherRunException(
                $"{path}: was made with another configuration than the config.json beside it. " +
                "Undo the change, or start another run.");
        }

        if (metadata.Find("data.fingerprint") is var found && found != identity.Data)
        {
            throw new OtherRunException($"{path}: was trained on other images or boxes (fingerprint {found}) than " +
                $"are there now ({identity.Data}). Restore the old data, or start another run.");
        }

        var step = metadata.GetNumber("step");
        var losses = ReadLosses(path, metadata);
        StateDictionary.Load(path, trainer.GetTensors(), file.Tensors);
        trainer.StepsDone = step;
        return losses;
    }

    private static List<double[]> ReadLosses(string path, StateMetadata metadata)
    {
        var rows = NumberRows.Parse(metadata.Find("losses") ?? "", columns: 4, Fault);
        return rows.Find(row => !row.All(double.IsFinite)) is { } bad ? throw Fault(NumberRows.Write([bad])) : rows;

        InvalidDataException Fault(string line) => new($"{path}: \"{line}\" is not a record of a step's four losses.");
    }
}
