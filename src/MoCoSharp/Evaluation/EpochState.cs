using System.Globalization;
using MoCoSharp.Distributed;
using MoCoSharp.PyTorch;
using static TorchSharp.torch;

namespace MoCoSharp.Evaluation;

/// <summary>The file by which a training on labels goes on after an interruption: tensors, and the numbers of the epochs done.</summary>
/// <param name="path">Null keeps nothing.</param>
/// <param name="encoderHash">Of the encoder at the beginning.</param>
/// <param name="protocol">In full; a state of another one is refused.</param>
internal sealed class EpochState(string? path, string encoderHash, string protocol)
{
    private const string Format = "mocosharp.evaluation.1";

    /// <summary>Overwrites the tensors by the saved ones, where there is a file.</summary>
    /// <returns>The epochs done.</returns>
    /// <exception cref="InvalidDataException">The file is broken, or of another encoder or protocol.</exception>
    public List<EpochScores> Load(IEnumerable<(string Name, Tensor Tensor)> tensors)
    {
        if (path is null || !File.Exists(path))
        {
            return [];
        }

        using var file = SafeTensors.Read(path);
        Demand(file.Metadata, "format", Format);
        Demand(file.Metadata, "encoder", encoderHash);
        Demand(file.Metadata, "protocol", protocol);
        StateDictionary.Load(path, tensors, file.Tensors);
        return [.. file.Metadata.GetValueOrDefault("epochs", "").Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(Parse)];
    }

    /// <summary>Saves, in one stroke.</summary>
    /// <returns>Why it could not; null where it is saved.</returns>
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
            ["epochs"] = Text(epochs),
        };
        try
        {
            AtomicFile.Write(path, stream => SafeTensors.Write(stream, [.. tensors], metadata));
            return null;
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            return $"{path} was not saved after epoch {epochs.Count}: {error.Message} The work goes on; stopped now, it would go on after an epoch before.";
        }
    }

    /// <summary>Rank 0's epochs and tensors, on every rank: it alone has the file.</summary>
    public List<EpochScores> Share(IProcessGroup group, IEnumerable<(string Name, Tensor Tensor)> tensors, List<EpochScores> epochs)
    {
        if (group.Size == 1)
        {
            return epochs;
        }

        foreach (var (_, values) in tensors)
        {
            group.Broadcast(values.detach(), root: 0);
        }

        return [.. GroupText.Broadcast(group, Text(epochs)).Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(Parse)];
    }

    private static string Text(IEnumerable<EpochScores> epochs) => string.Join('\n', epochs.Select(epoch => string.Create(CultureInfo.InvariantCulture,
        $"{epoch.Epoch} {epoch.LearningRate:R} {epoch.Loss:R} {epoch.Top1:R} {epoch.Top5:R}")));

    private void Demand(IReadOnlyDictionary<string, string> metadata, string key, string expected)
    {
        if (metadata.GetValueOrDefault(key) is var found && found != expected)
        {
            throw new InvalidDataException($"{path}: is the state of another evaluation: its {key} is \"{found}\", expected \"{expected}\". Remove the file to begin anew.");
        }
    }

    private EpochScores Parse(string line)
    {
        var parts = line.Split(' ');
        var numbers = new double[4];
        return parts.Length == 5 && int.TryParse(parts[0], CultureInfo.InvariantCulture, out var epoch)
            && Enumerable.Range(0, 4).All(i => double.TryParse(parts[i + 1], CultureInfo.InvariantCulture, out numbers[i]))
            ? new EpochScores(epoch, numbers[0], numbers[1], numbers[2], numbers[3])
            : throw new InvalidDataException($"{path}: \"{line}\" is not the record of an epoch. Remove the file to begin anew.");
    }
}
