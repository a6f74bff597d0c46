using MoCoSharp.Encoders;
using MoCoSharp.Runs;

namespace MoCoSharp.Detection.Transfer;

/// <summary>What a detection is: its files belong to another run if one of these differs.</summary>
/// <param name="Config">Every setting that changes a bit, as JSON.</param>
/// <param name="Data">The fingerprint of images and boxes.</param>
internal sealed record DetectionIdentity(string Config, string Data)
{
    /// <summary>The identity of a run. Settings that change no bit have their defaults.</summary>
    public static DetectionIdentity From(DetectionConfig config, string fingerprint) => new(
        DetectionConfigFile.Write(config with
        {
            Workers = 1,
            LogEvery = 1,
            Checkpoints = new(),
            InitialWeights = null,
            InitialEncoder = EncoderRole.Query,
            InitialPrefix = null,
        }),
        fingerprint);

    /// <summary>Whether a file is of the same configuration. Options that an older file lacks have defaults.</summary>
    public bool HasConfig(StateMetadata metadata)
    {
        try
        {
            return metadata.Find("config") is { } saved && Config ==
                DetectionConfigFile.Write(DetectionConfigFile.Parse(saved, "the checkpoint's configuration", []));
        }
        catch (ConfigurationException)
        {
            return false;
        }
    }
}
