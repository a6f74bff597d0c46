namespace MoCoSharp.Cli.CommandLine;

/// <summary>Faults of the file that an option names for output.</summary>
internal static class OutputFaults
{
    /// <summary>Finds them before the work begins.</summary>
    /// <param name="path">The file; null has no faults.</param>
    /// <param name="endings">The allowed endings, in lower case; empty allows all.</param>
    /// <param name="force">Whether an existing file is replaced.</param>
    /// <param name="option">The option.</param>
    public static IEnumerable<string> Find(
        string? path, IReadOnlyList<string> endings, bool force, string option = "-o")
    {
        if (path is null)
        {
            yield break;
        }

        if (endings.Count > 0 && !endings.Contains(Path.GetExtension(path).ToLowerInvariant()))
        {
            yield return $"{option} is {path}, expected a file that ends in {ValueOptions.Or(endings)}.";
        }
        else if (File.Exists(path) && !force)
        {
            yield return $"{path} exists. Name another file with {option}, or add --force to replace it.";
        }
        else if (Directory.Exists(path))
        {
            yield return $"{option} {path}: is a folder. Name a file.";
        }
        else if (!Directory.Exists(Path.GetDirectoryName(Path.GetFullPath(path))))
        {
            yield return $"{option} {path}: there is no folder {Path.GetDirectoryName(path)}. Create it first.";
        }
    }
}
