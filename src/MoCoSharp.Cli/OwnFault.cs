using System.Reflection;
using System.Runtime.InteropServices;

namespace MoCoSharp.Cli;

/// <summary>
/// Reports an unexpected exception as a bug of the program, with the details that a bug report needs.
/// </summary>
internal static partial class OwnFault
{
    private static string _commandLine = "";

    /// <summary>
    /// From now on, reports an unhandled exception on any thread, and ends the program with exit code 1.
    /// </summary>
    /// <param name="arguments">The arguments of the program.</param>
    public static void Watch(IEnumerable<string> arguments)
    {
        _commandLine = string.Join(' ', arguments.Prepend("moco").Select(Quoted));
        AppDomain.CurrentDomain.UnhandledException += (_, fault) =>
        {
            Processes.Errors.WriteLine($"moco: {Describe((Exception)fault.ExceptionObject)}");
            ExitNow();
        };
    }

    /// <summary>The bug report.</summary>
    public static string Describe(Exception error)
    {
        var version = typeof(OwnFault)
            .Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()
            ?.InformationalVersion;
        return $"this is a bug in MoCoSharp; please report it with the lines below.\n"
            + $"  version {version}, .NET {Environment.Version}, {RuntimeInformation.OSDescription}, " +
                $"{RuntimeInformation.ProcessArchitecture}\n"
            + $"  command {_commandLine}\n{error}";
    }

    // Quotes a word for a shell.
    private static string Quoted(string word) =>
        word.Length > 0 && word.All(letter => char.IsAsciiLetterOrDigit(letter) || "-_./:=,%+@".Contains(letter))
            ? word
            : $"'{word.Replace("'", "'\\''")}'";

    // The runtime would print its own message and end with SIGABRT.
    private static void ExitNow()
    {
        if (OperatingSystem.IsWindows())
        {
            Environment.Exit(ExitCode.Failed);
        }

        Exit(ExitCode.Failed);
    }

    [LibraryImport("libc", EntryPoint = "_exit")]
    private static partial void Exit(int code);
}
