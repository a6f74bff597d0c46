using System.Diagnostics;

namespace MoCoSharp.Tests;

/// <summary>A process that has ended.</summary>
internal static class EndedProcess
{
    /// <summary>The number that it had.</summary>
    public static int Id()
    {
        var program = OperatingSystem.IsWindows() ? new ProcessStartInfo("cmd", ["/c", "exit"]) : new("true");
        using var process = Process.Start(program)!;
        process.WaitForExit();
        return process.Id;
    }
}
