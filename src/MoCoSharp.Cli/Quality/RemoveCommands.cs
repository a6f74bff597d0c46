using MoCoSharp.Data;
using MoCoSharp.Data.Quality;

namespace MoCoSharp.Cli.Quality;

/// <summary>
/// Shell commands that remove images. The program itself removes nothing. A file that is kept under another name, by a
/// link or because a list names it twice, gets no command.
/// </summary>
internal sealed class RemoveCommands
{
    private readonly HashSet<string> _kept;
    private readonly HashSet<string> _removed = new(StringComparer.Ordinal);
    private readonly List<(string Path, string Command)> _commands = [];

    /// <summary>Begins without commands.</summary>
    /// <param name="kept">Images that must stay.</param>
    public RemoveCommands(IEnumerable<ImageFacts> kept) => _kept =
    [
        .. kept.Select(image => image.Path).OfType<string>().Select(RealPath.Of),
    ];

    /// <summary>
    /// Images without a command: similar by a chain alone, kept under another name, or without a file of their own.
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
        if (image.Path is not { } path || _kept.Contains(RealPath.Of(path)))
        {
            Omit();
        }
        else if (_removed.Add(Path.GetFullPath(path)))
        {
            var remove = OperatingSystem.IsWindows() ? "del" : "rm --";
            _commands.Add((path, $"{remove} {Shell.Quote(path)}  # like {Plain.Text(instead)}"));
        }
    }

    /// <summary>A script with all commands.</summary>
    /// <param name="title">What they remove, in one line.</param>
    public string Script(string title) =>
        $"#!/bin/sh\n# {Plain.Text(title)}\n" + string.Concat(_commands.Select(item => item.Command + "\n"));
}
