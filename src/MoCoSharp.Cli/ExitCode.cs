using MoCoSharp.Data.Datasets;
using MoCoSharp.Data.Images;
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
    private static readonly string[] WritingFiles = ["pretrain", "linear", "finetune", "detect", "study", "embed", "export", "import", "pack"];

    /// <summary>The exit code of a verb whose words on standard output were lost: where these are its product, it has failed.</summary>
    public static int WithoutOutput(int code, string verb) => code == Done && !WritingFiles.Contains(verb) ? Failed : code;

    /// <summary>Runs a verb; what a person can mend becomes a message, our own bugs keep their stack trace.</summary>
    /// <param name="verbose">Messages with stack traces.</param>
    /// <param name="verb">Gives the exit code.</param>
    /// <param name="tell">Tells the messages, and gives the exit code; null writes them to stderr.</param>
    public static int Of(bool verbose, Func<int> verb, Func<IEnumerable<string>, int, int>? tell = null)
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
        catch (Exception error) when (!verbose && error is DataSourceException)
        {
            return tell([error.Message], Usage);
        }
        catch (Exception error) when (!verbose && error is DivergedException or OtherRunException or BrokenImageException or InvalidDataException or IOException
            or UnauthorizedAccessException or PlatformNotSupportedException or DllNotFoundException or RanksDifferException)
        {
            return tell([error.Message], Failed);
        }
    }

    internal static int Tell(IEnumerable<string> messages, int code)
    {
        foreach (var message in messages)
        {
            Console.Error.WriteLine($"moco: {message}");
        }

        return code;
    }
}
