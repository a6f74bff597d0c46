using System.Runtime.CompilerServices;

namespace MoCoSharp.Tests;

/// <summary>The repository, also for tests that were published elsewhere.</summary>
internal static class Sources
{
    /// <summary>The folder with the solution.</summary>
    public static string Root { get; } = Path.GetFullPath(Path.Combine(Path.GetDirectoryName(ThisFile())!, "..", ".."));

    private static string ThisFile([CallerFilePath] string path = "") => path;
}
