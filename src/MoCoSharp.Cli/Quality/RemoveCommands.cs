using System.Text;
using MoCoSharp.Data;
using MoCoSharp.Data.Quality;

namespace MoCoSharp.Cli.Quality;

/// <summary>
/// Commands that remove images, for sh, or on Windows for PowerShell. The program itself removes nothing. A file that
/// is kept under another name, by a link or because a list names it twice, gets no command.
/// </summary>
/// <remarks>cmd, the old shell of Windows, knows no comments: there, `del` would remove the kept images too.</remarks>
internal sealed class RemoveCommands
{
    private readonly HashSet<string> _kept;
    private readonly bool _isPowerShell;
    private readonly HashSet<string> _removed;
    private readonly List<(string Path, string Command)> _commands = [];

    /// <summary>Begins without commands.</summary>
    /// <param name="kept">Images that must stay.</param>
    public RemoveCommands(IEnumerable<ImageFacts> kept)
        : this(kept, OperatingSystem.IsWindows())
    {
    }

    internal RemoveCommands(IEnumerable<ImageFacts> kept, bool isPowerShell)
    {
        // Windows and most disks of macOS take A.jpg and a.jpg for one file.
        var names =
            isPowerShell || OperatingSystem.IsMacOS() ? StringComparer.OrdinalIgnoreCase : StringComparer.Ordinal;
        _kept = kept.Select(image => image.Path).OfType<string>().Select(RealPath.Of).ToHashSet(names);
        _removed = new HashSet<string>(names);
        _isPowerShell = isPowerShell;
    }

    /// <summary>
    /// Images without a command: similar by a chain alone, kept under another name, without a file of their own, or
    /// with a name that UTF-8 cannot hold.
    /// </summary>
    public int Omitted { get; private set; }

    /// <summary>The commands, one for each file.</summary>
    public IReadOnlyList<string> All => [.. _commands.Select(item => item.Command)];

    /// <summary>The commands that a terminal shows as they are: without control characters in the path.</summary>
    public IReadOnlyList<string> Printable =>
        [.. _commands.Where(item => !item.Path.Any(char.IsControl)).Select(item => item.Command)];

    /// <summary>Counts an image that gets no command.</summary>
    public void Omit() => Omitted++;

    /// <summary>Adds the command that removes an image.</summary>
    /// <param name="image">The image.</param>
    /// <param name="instead">The name of the image that stays.</param>
    public void Add(ImageFacts image, string instead)
    {
        if (image.Path is not { } path || _kept.Contains(RealPath.Of(path)) || !IsUtf8(path))
        {
            Omit();
        }
        else if (_removed.Add(Path.GetFullPath(path)))
        {
            var remove = _isPowerShell
                ? $"Remove-Item -LiteralPath {Shell.PowerShellQuote(Path.GetFullPath(path))}" // ~ would be the home
                : $"rm -- {Shell.Quote(path)}";
            _commands.Add((path, $"{remove}  # like {Plain.Text(instead)}"));
        }
    }

    /// <summary>The shell that the commands are for.</summary>
    public string ShellName => _isPowerShell ? "PowerShell" : "sh";

    /// <summary>What a script is called: remove.sh or remove.ps1.</summary>
    public string ScriptName => _isPowerShell ? "remove.ps1" : "remove.sh";

    /// <summary>A script with all commands, in UTF-8.</summary>
    /// <param name="title">What they remove, in one line.</param>
    public byte[] Script(string title)
    {
        // Without this mark, the PowerShell of Windows reads UTF-8 as another encoding.
        byte[] begin = _isPowerShell ? [.. Encoding.UTF8.Preamble] : [.. "#!/bin/sh\n"u8];
        var lines = string.Concat(_commands.Select(item => item.Command + "\n"));
        return [.. begin, .. Encoding.UTF8.GetBytes($"# {Plain.Text(title)}\n{lines}")];
    }

    // Windows allows halves of letters in names. Written as UTF-8, they would name another file.
    private static bool IsUtf8(string path) => Encoding.UTF8.GetString(Encoding.UTF8.GetBytes(path)) == path;
}
