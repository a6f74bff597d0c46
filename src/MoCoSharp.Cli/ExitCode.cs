using System.Runtime.InteropServices;
using MoCoSharp.Data.Datasets;
using MoCoSharp.Data.Images;
using MoCoSharp.Runs;
using MoCoSharp.Training;

namespace MoCoSharp.Cli;

/// <summary>The exit codes of the program.</summary>
internal static class ExitCode
{
    public const int Done = 0;
    public const int Failed = 1;
    public const int Usage = 2;
    public const int Stopped = 75; // EX_TEMPFAIL: run again with --resume

    // Verbs whose result is a file or a run folder. The result of other verbs is their output.
    private static readonly string[] WritingFiles =
    [
        "pretrain", "linear", "finetune", "detect", "study", "embed", "export", "import", "pack", "select", "map",
        "report",
    ];

    /// <summary>
    /// The exit code of a verb whose standard output was lost. A verb whose result is its output has failed.
    /// </summary>
    public static int WithoutOutput(int code, string verb) =>
        code == Done && !WritingFiles.Contains(verb) ? Failed : code;

    /// <summary>
    /// Runs a verb. Faults that the user can fix become messages; bugs become messages with a stack trace.
    /// </summary>
    /// <param name="verbose">Whether all messages have a stack trace.</param>
    /// <param name="verb">Returns the exit code.</param>
    /// <param name="tell">Reports messages, and returns the exit code; null writes them to stderr.</param>
    public static int Run(bool verbose, Func<int> verb, Func<IEnumerable<string>, int, int>? tell = null)
    {
        tell ??= Tell;
        try
        {
            return verb();
        }
        catch (ConfigurationException error)
        {
            return tell(error.Faults, Usage);
        }
        catch (OperationCanceledException)
        {
            return Stopped;
        }
        catch (Exception error) when (Mendable(error) is { } message)
        {
            return tell([verbose ? $"{message}\n{error}" : message], error is DataSourceException ? Usage : Failed);
        }
        catch (Exception error)
        {
            return tell([OwnFault.Describe(error)], Failed);
        }
    }

    /// <summary>The message for an error, of the user or of the program.</summary>
    public static string Message(Exception error) => Mendable(error) ?? OwnFault.Describe(error);

    // The message for a fault that the user can fix; null for a bug.
    private static string? Mendable(Exception error) => error switch
    {
        AggregateException { InnerExceptions: [var only] } => Mendable(only),
        DataSourceException
        or DivergedException
        or OtherRunException
        or BrokenImageException
        or InvalidDataException
        or IOException
        or UnauthorizedAccessException
        or PlatformNotSupportedException
        or DllNotFoundException
        or RanksDifferException => error.Message,
        OutOfMemoryException => OutOfMemory,
        ExternalException when LacksMemory(error.Message) => OutOfMemory,
        _ => null,
    };

    private const string OutOfMemory =
        "out of memory. Lower batchSize or views.size, or end other programs; `moco pretrain --dry-run` " +
        "estimates the memory of a run.";

    // libtorch's messages, for the CPU and for CUDA.
    private static bool LacksMemory(string message) =>
        message.Contains("can't allocate memory", StringComparison.Ordinal)
        || message.Contains("out of memory", StringComparison.OrdinalIgnoreCase);

    internal static int Tell(IEnumerable<string> messages, int code)
    {
        foreach (var message in messages)
        {
            Console.Error.WriteLine($"moco: {message}");
        }

        return code;
    }
}
