using System.Diagnostics;
using System.Runtime.InteropServices;
using System.Text;
using MoCoSharp.Diagnostics;

namespace MoCoSharp.Cli.Progress;

/// <summary>
/// Standard output and standard error: permanent lines, and on a terminal one status line below them that is redrawn.
/// </summary>
/// <remarks>
/// A failed write (full disk, closed descriptor) does not end the work. It is reported once, and the next write is
/// tried again. Spectre.Console is not used: its live displays own the console while they run, but here warnings,
/// signals and worker threads print lines at any time.
/// </remarks>
internal static partial class Screen
{
    private static readonly TimeSpan BetweenDrawings = TimeSpan.FromSeconds(0.1);
    private const int WidthIfUnknown = 80;
    private const int RoomForCtrlC = 2; // the terminal echoes ^C after the status line, which must not wrap

    private static readonly Lock Gate = new();
    private static readonly Stopwatch Watch = Stopwatch.StartNew();
    private static SteadyWriter? _output;
    private static SteadyWriter? _error;
    private static TimeSpan? _lastDrawing;
    private static int _drawnColumns; // columns of the status line; 0 if there is none

    /// <summary>
    /// Whether a status line can be drawn: the output is a terminal, not "dumb", and not shared with other processes.
    /// </summary>
    public static bool IsLive { get; private set; }

    /// <summary>Whether anything written to standard output was lost.</summary>
    public static bool HasLostOutput => _output?.HasFailed ?? false;

    /// <summary>Replaces Console.Out and Console.Error. Call once, before any output.</summary>
    public static void Open()
    {
        var term = Environment.GetEnvironmentVariable("TERM");
        IsLive = !Console.IsOutputRedirected && (OperatingSystem.IsWindows() || term is not (null or "" or "dumb"));
        if (IsLive)
        {
            _ = Console.Out; // sets up the terminal, so that the runtime tracks the window size
        }

        _error = new SteadyWriter(
            IsInherited(2) ? Console.OpenStandardError() : Stream.Null,
            descriptor: 2,
            _ => { },
            EraseStatus);
        _output = new SteadyWriter(
            IsInherited(1) ? Console.OpenStandardOutput() : Stream.Null, descriptor: 1, Lost, EraseStatus);
        Console.SetOut(TextWriter.Synchronized(_output));
        Console.SetError(TextWriter.Synchronized(_error));
    }

    /// <summary>Disables the status line, because several processes share the terminal.</summary>
    public static void BePlain() => IsLive = false;

    /// <summary>The maximum width of the status line.</summary>
    public static int Columns
    {
        get
        {
            try
            {
                return Math.Max(
                    1,
                    (Console.WindowWidth is > 0 and var width ? width : WidthIfUnknown) - 1 - RoomForCtrlC);
            }
            catch (IOException)
            {
                return WidthIfUnknown - 1 - RoomForCtrlC;
            }
        }
    }

    /// <summary>
    /// Draws the status line, at most ten times a second. Does nothing if <see cref="IsLive"/> is false.
    /// </summary>
    /// <param name="text">Returns the line for a number of columns; longer lines are cut.</param>
    public static void Draw(Func<int, string> text)
    {
        lock (Gate)
        {
            if (!IsLive || Watch.Elapsed - _lastDrawing < BetweenDrawings)
            {
                return;
            }

            _lastDrawing = Watch.Elapsed;
            var columns = Columns;
            var line = text(columns);
            line = line.Length > columns ? line[..columns] : line;
            _output!.WriteRaw(Erased() + line);
            _drawnColumns = line.Length;
        }
    }

    /// <summary>Joins the first parts that fit, separated by two spaces.</summary>
    public static string Fit(int columns, IEnumerable<string> parts)
    {
        var line = new StringBuilder();
        foreach (var part in parts)
        {
            if (line.Length > 0 && line.Length + 2 + part.Length > columns)
            {
                break;
            }

            line.Append(line.Length > 0 && part.Length > 0 ? "  " : "").Append(part);
        }

        return line.ToString();
    }

    private static void EraseStatus()
    {
        lock (Gate)
        {
            if (_drawnColumns > 0)
            {
                _output!.WriteRaw(Erased());
                _drawnColumns = 0;
                _lastDrawing = null; // so that the next call redraws at once
            }
        }
    }

    // A narrowed window shows the line on several rows.
    private static string Erased()
    {
        if (_drawnColumns == 0)
        {
            return "\r";
        }

        if (OperatingSystem.IsWindows())
        {
            return $"\r{new string(' ', _drawnColumns)}\r";
        }

        var rowsAbove = (_drawnColumns - 1) / (Columns + 1 + RoomForCtrlC);
        return (rowsAbove > 0 ? $"\e[{rowsAbove}A" : "") + "\r\e[J";
    }

    // If the parent process closed a descriptor (>&-), the next file of the runtime gets its number, and writing there
    // could corrupt the file. Files of the runtime have the close-on-exec flag; inherited descriptors do not.
    private static bool IsInherited(int descriptor)
    {
        const int getFlags = 1, closeOnExec = 1; // F_GETFD, FD_CLOEXEC
        return OperatingSystem.IsWindows()
            || (ControlFile(descriptor, getFlags) is var flags and >= 0 && (flags & closeOnExec) == 0);
    }

    [LibraryImport("libc", EntryPoint = "fcntl")]
    private static partial int ControlFile(int descriptor, int command);

    private static void Lost(string what) => _error!.WriteLine($"moco: warning: {what}");
}
