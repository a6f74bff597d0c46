using MoCoSharp.Runs;

namespace MoCoSharp.Cli;

/// <summary>A note if a run continues where numbers round differently than where it began.</summary>
internal static class OtherEnvironment
{
    /// <summary>Prints the note, if the run has steps that it continues.</summary>
    /// <param name="run">The run folder.</param>
    /// <param name="device">The device of the run.</param>
    public static void Warn(RunFolder run, string device)
    {
        if (
            run.Checkpoints().Count > 0
            && run.EnvironmentChanges(device.StartsWith("cuda", StringComparison.Ordinal)) is { Count: > 0 } changes)
        {
            Console.Error.WriteLine(
                $"moco: note: the run began with {string.Join("; ", changes)}. It continues, but numbers may round " +
                "differently, so its weights and scores may differ from those of a run without a stop.");
        }
    }
}
