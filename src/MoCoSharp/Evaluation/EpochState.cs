using MoCoSharp.Distributed;
using MoCoSharp.PyTorch;
using MoCoSharp.Runs;
using static TorchSharp.torch;

namespace MoCoSharp.Evaluation;

/// <summary>
/// The file from which an interrupted training on labels resumes: tensors, and scores of the epochs done.
/// </summary>
/// <param name="path">The state file; null saves nothing.</param>
/// <param name="encoderHash">The hash of the encoder's weights before training.</param>
/// <param name="protocol">The complete protocol. A state with another protocol is refused.</param>
internal sealed class EpochState(string? path, string encoderHash, string protocol)
{
    private const string Format = "mocosharp.evaluation.1";
    private const string Cure = " Remove the file to start again.";

    /// <summary>Overwrites the tensors with the saved ones, if there is a file.</summary>
    /// <returns>The scores of the completed epochs.</returns>
    /// <exception cref="InvalidDataException">The file is broken, or is of another encoder or protocol.</exception>
    public List<EpochScores> Load(IEnumerable<(string Name, Tensor Tensor)> tensors)
    {
        if (path is null || !File.Exists(path))
        {
            return [];
        }

        using var file = SafeTensors.Read(path);
        var metadata = new StateMetadata(path, file.Metadata);
        metadata.Require("format", Format, "is the state of another evaluation", Cure);
        metadata.Require("encoder", encoderHash, "is the state of another evaluation", Cure);
        metadata.Require("protocol", protocol, "is the state of another evaluation", Cure);
        StateDictionary.Load(path, tensors, file.Tensors);
        return Parse(metadata.Find("epochs") ?? "");
    }

    /// <summary>Saves the state atomically.</summary>
    /// <returns>The reason why the state could not be saved; null if it was saved.</returns>
    public string? TrySave(IEnumerable<(string Name, Tensor Tensor)> tensors, IReadOnlyList<EpochScores> epochs)
    {
        if (path is null)
        {
            return null;
        }

        var metadata = new Dictionary<string, string>(StringComparer.Ordinal)
        {
            ["format"] = Format,
            ["encoder"] = encoderHash,
            ["protocol"] = protocol,
            ["epochs"] = Write(epochs),
        };
        try
        {
            AtomicFile.Write(path, stream => SafeTensors.Write(stream, [.. tensors], metadata));
            return null;
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            return $"{path} was not saved after epoch {epochs.Count}: {error.Message} " +
                "Training continues. If it stops now, it resumes from an earlier epoch.";
        }
    }

    /// <summary>Copies epochs and tensors of rank 0 to every rank. Only rank 0 has the file.</summary>
    public List<EpochScores> Broadcast(
        IProcessGroup group, IEnumerable<(string Name, Tensor Tensor)> tensors, List<EpochScores> epochs)
    {
        if (group.Size == 1)
        {
            return epochs;
        }

        foreach (var (_, values) in tensors)
        {
            group.Broadcast(values.detach(), root: 0);
        }

        return Parse(GroupText.Broadcast(group, Write(epochs)));
    }

    private static string Write(IEnumerable<EpochScores> epochs) => NumberRows.Write(
        epochs.Select(epoch => (double[])[epoch.Epoch, epoch.LearningRate, epoch.Loss, epoch.Top1, epoch.Top5]));

    private List<EpochScores> Parse(string text) => [.. NumberRows
        .Parse(text, columns: 5, line => new($"{path}: \"{line}\" is not the record of an epoch.{Cure}"))
        .Select(row => new EpochScores((int)row[0], row[1], row[2], row[3], row[4]))];
}
