using System.Runtime.InteropServices;
using MoCoSharp.Data.Datasets;
using MoCoSharp.Data.Images;
using MoCoSharp.Runs;
using MoCoSharp.Training;

namespace MoCoSharp.Cli;

/// <summary>What the program says to a shell.</summary>
internal static class ExitCode
{
    public const int Done = 0;
    public const int Failed = 1;
    public const int Usage = 2;
    public const int Stopped = 75; // EX_TEMPFAIL: run again with --resume

    // Their product is a file or a run folder. That of the other verbs is what they print.
    private static readonly string[] WritingFiles =
    [
        "pretrain", "linear", "finetune", "detect", "study", "embed", "export", "import", "pack",
    ];

    /// <summary>
    /// The exit code of a verb whose words on standard output were lost: where these are its product, it has failed.
    /// </summary>
    public static int WithoutOutput(int code, string verb) =>
        code == Done && !WritingFiles.Contains(verb) ? Failed : code;

    /// <summary>
    /// Runs a verb; what a person can mend becomes a message, a bug of ours one with its stack trace.
    /// </summary>
    /// <param name="verbose">Every message with its stack trace.</param>
    /// <param name="verb">Gives the exit code.</param>
    /// <param name="tell">Tells the messages, and gives the exit code; null writes them to stderr.</param>
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

    // What a person can do something about; null for our own faults.
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
        "memory ran out. Lower batchSize or views.size, or end other programs; `moco pretrain --dry-run` tells what " +
        "a run takes.";

    // libtorch's words, for the CPU and for CUDA.
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
