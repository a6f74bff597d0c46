namespace MoCoSharp.Runs;

/// <summary>Resumes from the newest checkpoint that can be read.</summary>
internal static class NewestCheckpoint
{
    /// <summary>Tries the checkpoints of a run, the newest first, until one loads.</summary>
    /// <param name="run">The run folder.</param>
    /// <param name="load">Loads a checkpoint; throws <see cref="InvalidDataException"/> if it is broken.</param>
    /// <param name="warn">Receives a warning for each broken checkpoint.</param>
    /// <param name="isHeld">
    /// Whether this process holds the folder. Broken checkpoints are then set aside. Otherwise nothing is written, and
    /// a file that another process has deleted meanwhile is skipped.
    /// </param>
    /// <returns>The checkpoint that was loaded; null if there is none.</returns>
    /// <exception cref="InvalidDataException">There are checkpoints, and all are broken.</exception>
    public static string? Load(RunFolder run, Action<string> load, Action<string> warn, bool isHeld)
    {
        InvalidDataException? last = null;
        foreach (var path in run.Checkpoints())
        {
            try
            {
                load(path);
                return path;
            }
            catch (InvalidDataException error)
            {
                last = error;
                var kept = isHeld ? $"It is kept as {Path.GetFileName(RunFolder.SetAside(path))}. " : "";
                warn($"{error.Message} {kept}The checkpoint before is tried.");
            }
            catch (FileNotFoundException) when (!isHeld)
            {
                // The run is still training and has deleted this file.
            }
        }

        return last is null ? null : throw last;
    }
}
