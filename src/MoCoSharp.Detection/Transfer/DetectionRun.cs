using MoCoSharp.Runs;

namespace MoCoSharp.Detection.Transfer;

/// <summary>The run folder of a detection: a pre-training's, with another config.json.</summary>
public static class DetectionRun
{
    /// <summary>Makes the folder, and writes configuration and environment.</summary>
    /// <exception cref="IOException">There is a run already, or another process makes one.</exception>
    public static RunFolder Create(string path, DetectionConfig config) => RunFolder.Create(path, DetectionConfigFile.Write(config));
}
