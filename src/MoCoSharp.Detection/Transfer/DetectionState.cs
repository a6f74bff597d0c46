using System.Globalization;
using MoCoSharp.PyTorch;
using MoCoSharp.Runs;
using TorchSharp;
using static TorchSharp.torch;

namespace MoCoSharp.Detection.Transfer;

/// <summary>Everything that a resume of a detection needs, in one file: tensors, velocities, the step, and the losses since the last report.</summary>
/// <remarks>Order, sizes and samples are functions of the seed and of places in the stream, so that the step is the whole state of every random stream.</remarks>
internal static class DetectionState
{
    private const string Format = "mocosharp.detection.1";
    private const string DetectorFormat = "mocosharp.detector.1";

    /// <summary>Saves, in one stroke.</summary>
    public static void Save(string path, long step, IReadOnlyList<double[]> losses, string config, string data, IReadOnlyList<(string Name, Tensor Tensor)> tensors)
    {
        var metadata = new Dictionary<string, string>(StringComparer.Ordinal)
        {
            ["format"] = Format,
            ["step"] = $"{step}",
            ["losses"] = string.Join('\n', losses.Select(parts => string.Join(' ', parts.Select(value => value.ToString("R", CultureInfo.InvariantCulture))))),
            ["config"] = config,
            ["data.fingerprint"] = data,
        };
        using var scope = NewDisposeScope();
        AtomicFile.Write(path, stream => SafeTensors.Write(stream, tensors, metadata));
    }

    /// <summary>Overwrites the tensors, once nothing can go wrong any more.</summary>
    /// <returns>Steps done, and the losses since the last report.</returns>
    /// <exception cref="InvalidDataException">The file is broken, or no such state.</exception>
    /// <exception cref="OtherRunException">It is of another configuration or of other images.</exception>
    public static (long Step, List<double[]> Losses) Load(string path, string config, string data, IReadOnlyList<(string Name, Tensor Tensor)> tensors)
    {
        using var file = SafeTensors.Read(path);
        using var scope = NewDisposeScope();
        if (file.Metadata.GetValueOrDefault("format") != Format)
        {
            throw new InvalidDataException($"{path}: is no checkpoint of a detection: its format is \"{file.Metadata.GetValueOrDefault("format")}\", expected \"{Format}\".");
        }

        if (!file.Metadata.ContainsKey(Checksum.Key))
        {
            throw new InvalidDataException($"{path}: has no checksum, which every checkpoint has: bytes have changed since it was written.");
        }

        if (!IsSame(file.Metadata.GetValueOrDefault("config"), config))
        {
            throw new OtherRunException($"{path}: was made by another configuration than the config.json beside it. Take the change back, or start another run.");
        }

        if (file.Metadata.GetValueOrDefault("data.fingerprint") is var found && found != data)
        {
            throw new OtherRunException($"{path}: has learned from other images or boxes (fingerprint {found}) than are there now ({data}). Bring those back, or start another run.");
        }

        if (!long.TryParse(file.Metadata.GetValueOrDefault("step"), NumberStyles.None, CultureInfo.InvariantCulture, out var step))
        {
            throw new InvalidDataException($"{path}: step is \"{file.Metadata.GetValueOrDefault("step")}\", expected a number of 0 or more.");
        }

        var losses = file.Metadata.GetValueOrDefault("losses", "").Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(line => Parse(line, path)).ToList();
        StateDictionary.Load(path, tensors, file.Tensors);
        return (step, losses);
    }

    /// <summary>Saves a detector alone, as it is judged.</summary>
    public static void SaveDetector(string path, long step, string config, IReadOnlyList<(string Name, Tensor Tensor)> tensors)
    {
        var metadata = new Dictionary<string, string>(StringComparer.Ordinal) { ["format"] = DetectorFormat, ["step"] = $"{step}", ["config"] = config };
        using var scope = NewDisposeScope();
        AtomicFile.Write(path, stream => SafeTensors.Write(stream, tensors, metadata));
    }

    /// <summary>Overwrites the tensors by those of a detector of the same configuration and step.</summary>
    /// <returns>Whether it was one.</returns>
    public static bool TryLoadDetector(string path, long step, string config, IReadOnlyList<(string Name, Tensor Tensor)> tensors)
    {
        try
        {
            using var file = SafeTensors.Read(path);
            using var scope = NewDisposeScope();
            if (file.Metadata.GetValueOrDefault("format") != DetectorFormat || file.Metadata.GetValueOrDefault("step") != $"{step}" || !IsSame(file.Metadata.GetValueOrDefault("config"), config))
            {
                return false;
            }

            StateDictionary.Load(path, tensors, file.Tensors);
            return true;
        }
        catch (InvalidDataException)
        {
            return false; // broken: it is made anew
        }
    }

    // What a file lacks, being older than an option, counts as its default.
    private static bool IsSame(string? saved, string config)
    {
        try
        {
            return saved is not null && DetectionConfigFile.Write(DetectionConfigFile.Parse(saved, "the checkpoint's configuration", [])) == config;
        }
        catch (ConfigurationException)
        {
            return false;
        }
    }

    private static double[] Parse(string line, string path)
    {
        var values = line.Split(' ').Select(text => double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out var value) ? value : double.NaN).ToArray();
        return values.Length == 4 && values.All(double.IsFinite) ? values : throw new InvalidDataException($"{path}: \"{line}\" is no record of a step's four losses.");
    }
}
