using System.Reflection;
using System.Runtime.InteropServices;

namespace MoCoSharp.Cli;

/// <summary>
/// An exception that nobody foresaw: told as a fault of the program's, with what whoever mends it must know.
/// </summary>
internal static partial class OwnFault
{
    private static string commandLine = "";

    /// <summary>From now on a fault on any thread is told so, and ends the program with exit code 1.</summary>
    /// <param name="arguments">Of the program.</param>
    public static void Watch(IEnumerable<string> arguments)
    {
        commandLine = string.Join(' ', arguments.Prepend("moco").Select(Quoted));
        AppDomain.CurrentDomain.UnhandledException += (_, fault) =>
        {
            Processes.Errors.WriteLine($"moco: {Describe((Exception)fault.ExceptionObject)}");
            ExitNow();
        };
    }

    /// <summary>What is said of it.</summary>
    public static string Describe(Exception error)
    {
        var version = typeof(OwnFault)
            .Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()
            ?.InformationalVersion;
        return $"this is a bug in MoCoSharp; please report it with the lines below.\n"
            + $"  version {version}, .NET {Environment.Version}, {RuntimeInformation.OSDescription}, " +
                $"{RuntimeInformation.ProcessArchitecture}\n"
            + $"  command {commandLine}\n{error}";
    }

    // A word as a shell takes it back.
    private static string Quoted(string word) =>
        word.Length > 0 && word.All(letter => char.IsAsciiLetterOrDigit(letter) || "-_./:=,%+@".Contains(letter))
            ? word
            : $"'{word.Replace("'", "'\\''")}'";

    // The runtime would end with its own words and SIGABRT.
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
