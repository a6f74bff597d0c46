using System.Diagnostics;
using System.Runtime.InteropServices;
using System.Text;
using MoCoSharp.Diagnostics;

namespace MoCoSharp.Cli.Progress;

/// <summary>
/// Standard output and standard error: lines that stay, and on a terminal one status line below them that is drawn
/// over.
/// </summary>
/// <remarks>
/// A write that fails (full disk, closed descriptor) never ends the work: it is told once, and the next one is tried
/// again. Spectre.Console was considered. Its live displays own the console for as long as they run; here warnings,
/// signals and worker threads write lines at any time.
/// </remarks>
internal static partial class Screen
{
    private static readonly TimeSpan BetweenDrawings = TimeSpan.FromSeconds(0.1);
    private const int WidthIfUnknown = 80;
    private const int RoomForCtrlC = 2; // the terminal echoes ^C behind the status line: it must not wrap

    private static readonly Lock Gate = new();
    private static readonly Stopwatch Watch = Stopwatch.StartNew();
    private static SteadyWriter? output;
    private static SteadyWriter? error;
    private static TimeSpan? lastDrawing;
    private static int drawnColumns; // of the status line; 0 where there is none

    /// <summary>
    /// Whether a status line can be drawn: a terminal that is not called dumb, and this process has it alone.
    /// </summary>
    public static bool IsLive { get; private set; }

    /// <summary>Whether anything written to standard output was lost.</summary>
    public static bool HasLostOutput => output?.HasFailed ?? false;

    /// <summary>Puts both in place of Console.Out and Console.Error. Called once, before anything is written.</summary>
    public static void Open()
    {
        var term = Environment.GetEnvironmentVariable("TERM");
        IsLive = !Console.IsOutputRedirected && (OperatingSystem.IsWindows() || term is not (null or "" or "dumb"));
        if (IsLive)
        {
            _ = Console.Out; // the runtime follows changes of the window's size only once it has set up the terminal
        }

        error = new SteadyWriter(
            IsInherited(2) ? Console.OpenStandardError() : Stream.Null,
            descriptor: 2,
            _ => { },
            EraseStatus);
        output = new SteadyWriter(
            IsInherited(1) ? Console.OpenStandardOutput() : Stream.Null, descriptor: 1, Lost, EraseStatus);
        Console.SetOut(TextWriter.Synchronized(output));
        Console.SetError(TextWriter.Synchronized(error));
    }

    /// <summary>No status line from now on: several processes share the terminal.</summary>
    public static void BePlain() => IsLive = false;

    /// <summary>Columns that a status line may fill.</summary>
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
    /// Draws the status line, at most ten times a second; does nothing where <see cref="IsLive"/> is false.
    /// </summary>
    /// <param name="text">Gives the line for a number of columns; what is longer is cut.</param>
    public static void Draw(Func<int, string> text)
    {
        lock (Gate)
        {
            if (!IsLive || Watch.Elapsed - lastDrawing < BetweenDrawings)
            {
                return;
            }

            lastDrawing = Watch.Elapsed;
            var columns = Columns;
            var line = text(columns);
            line = line.Length > columns ? line[..columns] : line;
            output!.WriteRaw(Erased() + line);
            drawnColumns = line.Length;
        }
    }

    /// <summary>Joins the parts that fit, from the first on, two blanks between them.</summary>
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
            if (drawnColumns > 0)
            {
                output!.WriteRaw(Erased());
                drawnColumns = 0;
                lastDrawing = null; // the next drawing puts it back at once
            }
        }
    }

    // A window that has become narrower shows the line over several rows.
    private static string Erased()
    {
        if (drawnColumns == 0)
        {
            return "\r";
        }

        if (OperatingSystem.IsWindows())
        {
            return $"\r{new string(' ', drawnColumns)}\r";
        }

        var rowsAbove = (drawnColumns - 1) / (Columns + 1 + RoomForCtrlC);
        return (rowsAbove > 0 ? $"\e[{rowsAbove}A" : "") + "\r\e[J";
    }

    // Where the starter has closed a descriptor (>&-), the runtime's next file gets its number: writing there could do
    // anything.
    // Files that the runtime opens are closed at exec; those of the starter cannot be.
    private static bool IsInherited(int descriptor)
    {
        const int getFlags = 1, closeOnExec = 1; // F_GETFD, FD_CLOEXEC
        return OperatingSystem.IsWindows()
            || (ControlFile(descriptor, getFlags) is var flags and >= 0 && (flags & closeOnExec) == 0);
    }

    [LibraryImport("libc", EntryPoint = "fcntl")]
    private static partial int ControlFile(int descriptor, int command);

    private static void Lost(string what) => error!.WriteLine($"moco: warning: {what}");
}
