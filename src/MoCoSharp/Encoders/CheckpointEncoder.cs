using MoCoSharp.Models;
using MoCoSharp.PyTorch;
using MoCoSharp.Runs;

namespace MoCoSharp.Encoders;

/// <summary>Reads one encoder from the checkpoint of a run.</summary>
internal static class CheckpointEncoder
{
    /// <summary>Loads one encoder of a checkpoint, in evaluation mode.</summary>
    /// <param name="path">The file, for messages.</param>
    /// <param name="file">Its tensors and metadata.</param>
    /// <param name="role">Which encoder.</param>
    /// <param name="name">The name of the run, for <see cref="TrainedEncoder.Source"/>.</param>
    /// <exception cref="InvalidDataException">The file is not a checkpoint, or has no such encoder.</exception>
    public static TrainedEncoder Load(string path, SafeTensors file, EncoderRole role, string name)
    {
        if (
            file.Metadata.GetValueOrDefault("format") != TrainingState.Format
            || !file.Metadata.TryGetValue("config", out var text)
            || !long.TryParse(file.Metadata.GetValueOrDefault("step"), out var step))
        {
            throw new InvalidDataException(
                $"{path}: is no known encoder file: its format is " +
                $"\"{file.Metadata.GetValueOrDefault("format")}\", "
                    + $"expected \"{TrainingState.Format}\", or an encoder that `moco export` wrote.");
        }

        var config = RunConfigFile.Parse(text, path, []);
        var prefix = role == EncoderRole.Query ? config.Method.EncoderPrefix : config.Method.KeyEncoderPrefix
            ?? throw new InvalidDataException(
                $"{path}: has one encoder, because {config.Method.Name} trains only one. Leave out " +
                "--encoder key.");
        var encoder = EncoderFile.Build(path, config.Encoder, config.Method.Dimension, file.Tensors, prefix);
        return new TrainedEncoder(encoder, config.Views, step, role, name)
        {
            Run = config,
            Knn = config.Knn,
            Precision = config.Precision,
        };
    }
}
