using MoCoSharp.PyTorch;
using MoCoSharp.Runs;
using static TorchSharp.torch;

namespace MoCoSharp.Detection.Transfer;

/// <summary>detector.safetensors of a run folder: the trained detector with the statistics for a test.</summary>
internal static class DetectorFile
{
    private const string Format = "mocosharp.detector.1";

    /// <summary>Saves the detector. The file is there whole or not at all.</summary>
    public static void Save(RunFolder run, DetectorTrainer trainer, DetectionIdentity identity)
    {
        var metadata = new Dictionary<string, string>(StringComparer.Ordinal)
        {
            ["format"] = Format,
            ["step"] = $"{trainer.StepsDone}",
            ["config"] = identity.Config,
        };
        using var scope = NewDisposeScope();
        AtomicFile.Write(GetPath(run), stream => SafeTensors.Write(stream, trainer.GetWeights(), metadata));
    }

    /// <summary>Loads the detector, if there is one of the same configuration and step.</summary>
    /// <returns>Whether it was loaded. A broken file is ignored: the detector is made again.</returns>
    public static bool TryLoad(RunFolder run, DetectorTrainer trainer, DetectionIdentity identity)
    {
        var path = GetPath(run);
        if (!File.Exists(path))
        {
            return false;
        }

        try
        {
            using var file = SafeTensors.Read(path);
            using var scope = NewDisposeScope();
            var metadata = new StateMetadata(path, file.Metadata);
            if (metadata.Find("format") != Format || metadata.Find("step") != $"{trainer.StepsDone}"
                || !identity.HasConfig(metadata))
            {
                return false;
            }

            StateDictionary.Load(path, trainer.GetWeights(), file.Tensors);
            return true;
        }
        catch (InvalidDataException)
        {
            return false;
        }
    }

    private static string GetPath(RunFolder run) => Path.Combine(run.Path, "detector.safetensors");
}
