using System.ComponentModel;
using System.Diagnostics;

namespace MoCoSharp.Cli.Watching;

/// <summary>Opens a page in the browser of the desktop.</summary>
internal static class Browser
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(5);

    /// <summary>Opens a page. A failure is a note.</summary>
    /// <param name="address">An http address.</param>
    public static void Open(string address)
    {
        if (Fault(address) is { } fault)
        {
            Console.Error.WriteLine($"moco: note: no browser was opened ({fault}). Open {address} in one.");
        }
    }

    // Null if a browser opens.
    private static string? Fault(string address)
    {
        if (OperatingSystem.IsLinux() && !HasDesktop())
        {
            return "there is no desktop";
        }

        try
        {
            using var process = Process.Start(StartInfo(address));
            // A program that has not ended by then is the browser itself.
            return process is not null && process.WaitForExit(Patience) && process.ExitCode != 0
                ? $"{process.StartInfo.FileName} ended with {process.ExitCode}"
                : null;
        }
        catch (Exception error) when (error is Win32Exception or InvalidOperationException)
        {
            return error.Message;
        }
    }

    // Without a desktop, xdg-open starts a browser in the terminal.
    private static bool HasDesktop() => IsSet("DISPLAY") || IsSet("WAYLAND_DISPLAY");

    private static bool IsSet(string name) => !string.IsNullOrEmpty(Environment.GetEnvironmentVariable(name));

    private static ProcessStartInfo StartInfo(string address) => OperatingSystem.IsWindows()
        ? new ProcessStartInfo(address) { UseShellExecute = true }
        : new ProcessStartInfo(OperatingSystem.IsMacOS() ? "open" : "xdg-open", [address])
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            UseShellExecute = false,
        };
}
