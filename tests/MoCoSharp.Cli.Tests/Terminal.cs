using System.Diagnostics;
using System.Text;

namespace MoCoSharp.Cli.Tests;

/// <summary>
/// The real program on a pseudo-terminal, as a person runs it. util-linux's script(1) makes the terminal.
/// </summary>
internal static class Terminal
{
    private const string Script = "/usr/bin/script";

    /// <summary>Skips the test where no pseudo-terminal can be made; in CI that is a failure.</summary>
    public static void Require()
    {
        if (!OperatingSystem.IsLinux() || !File.Exists(Script))
        {
            const string reason =
                "There is no script(1) of util-linux, which makes the pseudo-terminal: apt-get install bsdutils";
            Assert.False(Environment.GetEnvironmentVariable("CI") == "true" && OperatingSystem.IsLinux(), reason);
            Assert.Skip(reason);
        }
    }

    /// <summary>Runs moco to its end.</summary>
    /// <param name="folder">Working directory.</param>
    /// <param name="columns">Width of the window; 0 is a terminal that does not tell its size.</param>
    /// <param name="term">The variable TERM; null leaves it unset.</param>
    /// <param name="arguments">Of moco.</param>
    /// <returns>The exit code, and all that appeared on the terminal.</returns>
    public static (int ExitCode, string Screen) Run(string folder, int columns, string? term, params string[] arguments)
    {
        using var process = Start(folder, columns, term, arguments);
        process.StandardInput.Close();
        return Finish(process, new StringBuilder());
    }

    /// <summary>Starts moco; what is written to its standard input is typed on the terminal.</summary>
    public static Process Start(string folder, int columns, string? term, params string[] arguments) =>
        StartShell(folder, $"stty cols {columns} rows 24; exec {Command(arguments)}", term);

    /// <summary>Runs a line of shell on a pseudo-terminal.</summary>
    public static Process StartShell(string folder, string line, string? term)
    {
        // -e: the exit code of the command. -f: nothing is held back.
        var start = new ProcessStartInfo("env", ["--default-signal=INT,QUIT,HUP", Script, "-qefc", line, "/dev/null"])
        {
            WorkingDirectory = folder,
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            UseShellExecute = false,
        };
        start.Environment["SHELL"] = "/bin/sh";
        start.Environment.Remove("NO_COLOR");
        start.Environment.Remove("TERM");
        if (term is not null)
        {
            start.Environment["TERM"] = term;
        }

        var process = Process.Start(start)!;
        _ = Moco.KillAsync(process.Id, process.StartTime, TimeSpan.FromMinutes(2));
        return process;
    }

    /// <summary>moco with its arguments, quoted for a shell.</summary>
    public static string Command(params string[] arguments) =>
        string.Join(
            ' ',
            new[] { "dotnet", Path.Combine(AppContext.BaseDirectory, "moco.dll") }
                .Concat(arguments)
                .Select(argument => $"'{argument.Replace("'", "'\\''")}'"));

    /// <summary>Reads the screen until a text appears.</summary>
    public static void Until(Process process, string text, StringBuilder screen)
    {
        while (!screen.ToString().Contains(text, StringComparison.Ordinal))
        {
            var next = process.StandardOutput.Read();
            Assert.True(next >= 0, $"The terminal closed before '{text}' appeared. It showed: {screen}");
            screen.Append((char)next);
        }
    }

    /// <summary>Waits for the end.</summary>
    public static (int ExitCode, string Screen) Finish(Process process, StringBuilder screen)
    {
        screen.Append(process.StandardOutput.ReadToEnd());
        if (!process.WaitForExit(TimeSpan.FromMinutes(4)))
        {
            process.Kill(entireProcessTree: true);
            Assert.Fail($"moco did not end. The terminal showed: {screen}");
        }

        return (process.ExitCode, screen.ToString());
    }
}
