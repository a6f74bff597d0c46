using System.CommandLine;
using MoCoSharp.Runs;

namespace MoCoSharp.Cli.Searching;

/// <summary>The folder in which features are kept from one command to the next.</summary>
internal static class CacheFolder
{
    /// <summary>--cache FOLDER.</summary>
    public static Option<string?> Option() => new("--cache")
    {
        HelpName = "folder",
        Description =
            "Where features are kept for the next time. Without it, features/ of the run, or the user's cache folder.",
    };

    /// <summary>--no-cache.</summary>
    public static Option<bool> NoOption() => new("--no-cache") { Description = "Neither read nor keep features." };

    /// <summary>The fault of the two options together; null if there is none.</summary>
    public static string? Fault(string? named, bool isOff) => named is not null && isOff
        ? $"--no-cache keeps nothing in {named}. Leave out --cache or --no-cache."
        : null;

    /// <summary>The folder that the options choose.</summary>
    /// <param name="run">The run; null for an encoder without one.</param>
    /// <param name="named">--cache.</param>
    /// <param name="isOff">--no-cache.</param>
    /// <returns>Null keeps nothing.</returns>
    public static string? Of(RunFolder? run, string? named, bool isOff) => isOff ? null : named ?? Of(run);

    /// <summary>The folder of a run, or of the user.</summary>
    /// <param name="run">The run; null for an encoder without one.</param>
    /// <returns>Null if the user has no home folder.</returns>
    public static string? Of(RunFolder? run) =>
        run is not null ? Path.Combine(run.Path, "features") : OfUser(Environment.GetEnvironmentVariable);

    /// <summary>The user's folder, by the convention of the system.</summary>
    /// <param name="variable">Reads a variable of the environment.</param>
    /// <returns>Null if the variables name none.</returns>
    public static string? OfUser(Func<string, string?> variable)
    {
        var (first, second, below) = OperatingSystem.IsWindows() ? ("LOCALAPPDATA", "USERPROFILE", "AppData\\Local")
            : OperatingSystem.IsMacOS() ? ("XDG_CACHE_HOME", "HOME", "Library/Caches")
            : ("XDG_CACHE_HOME", "HOME", ".cache");
        // The specification of XDG asks for an absolute path.
        var root = variable(first) is { Length: > 0 } named && Path.IsPathRooted(named) ? named
            : variable(second) is { Length: > 0 } home ? Path.Combine(home, below)
            : null;
        return root is null ? null : Path.Combine(root, "mocosharp", "features");
    }
}
