using System.CommandLine;
using System.CommandLine.Invocation;
using System.Text;

namespace MoCoSharp.Cli.CommandLine;

/// <summary>
/// The output of --help: verbs by purpose, optional arguments in brackets, and the kind of each value.
/// </summary>
internal sealed class HelpText : SynchronousCommandLineAction
{
    private const int Widest = 100;

    /// <inheritdoc/>
    public override bool ClearsParseErrors => true;

    /// <inheritdoc/>
    public override int Invoke(ParseResult parseResult)
    {
        Console.Out.Write(Create(parseResult.CommandResult.Command, Width()));
        return ExitCode.Done;
    }

    /// <summary>The help of a command.</summary>
    /// <param name="command">The program, or one of its verbs.</param>
    /// <param name="width">The width at which lines wrap.</param>
    public static string Create(Command command, int width) =>
        command is RootCommand root ? Program(root, width) : Verb(command, width);

    /// <summary>The width of the output: that of the window, up to a readable maximum.</summary>
    public static int Width()
    {
        try
        {
            return Console.IsOutputRedirected || Console.WindowWidth < 40
                ? Widest
                : Math.Min(Widest, Console.WindowWidth - 1);
        }
        catch (IOException)
        {
            return Widest;
        }
    }

    private static string Program(RootCommand root, int width)
    {
        var text = new StringBuilder(Wrapped(root.Description!, width)).Append("\n\nusage: moco <verb> [options]\n");
        foreach (var (title, names) in Verbs.Groups)
        {
            var verbs = names.Select(name => root.Subcommands.Single(command => command.Name == name));
            text.Append($"\n{title}\n")
                .Append(Rows([.. verbs.Select(verb => (Usage(verb), verb.Description ?? ""))], width));
        }

        return text.Append("\nfirst commands\n").Append(Rows(Verbs.FirstCommands, width))
            .Append('\n')
            .Append(Wrapped("`moco help <verb>` shows the options of a verb, `moco --version` the version.", width))
            .Append('\n')
            .ToString();
    }

    private static string Verb(Command command, int width)
    {
        var text = new StringBuilder(Wrapped($"{Path(command)}: {command.Description}", width)).Append('\n');
        var options = command.Options.Where(option => !option.Hidden).ToList();
        var which = command.Subcommands.Count > 0 ? " <which> ..." : "";
        var usage = $"usage: {Path(command, Usage(command))}{which}{(options.Count > 0 ? " [options]" : "")}";
        text.Append('\n').Append(Wrapped(usage, width)).Append('\n');
        if (command.Subcommands.Count > 0)
        {
            text.Append("\nwhich\n")
                .Append(Rows([.. command.Subcommands.Select(item => (Usage(item), item.Description ?? ""))], width));
        }

        if (command.Arguments.Count > 0)
        {
            text.Append("\narguments\n")
                .Append(Rows([.. command.Arguments.Select(item => (Name(item), item.Description ?? ""))], width));
        }

        if (options.Count > 0)
        {
            text.Append("\noptions\n")
                .Append(Rows([.. options.Select(option => (Name(option), Description(option)))], width));
        }

        return text.ToString();
    }

    private static string Path(Command command, string? last = null) =>
        command is RootCommand ? "moco" : $"{Path(command.Parents.OfType<Command>().First())} {last ?? command.Name}";

    private static string Usage(Command command) => string.Join(' ', [command.Name, .. command.Arguments.Select(Name)]);

    private static string Name(Argument argument)
    {
        var isOptional = argument.Arity.MinimumNumberOfValues == 0;
        var more = argument.Arity.MaximumNumberOfValues > 1 ? "..." : "";
        return isOptional ? $"[{argument.Name}]{more}" : $"<{argument.Name}>{more}";
    }

    private static string Name(Option option)
    {
        var names = string.Join(", ", option.Aliases.Append(option.Name).OrderBy(name => name.Length));
        var more = option.AllowMultipleArgumentsPerToken ? "..." : "";
        return option.ValueType == typeof(bool) ? names
            : option.Arity.MinimumNumberOfValues == 0 ? $"{names} [{option.HelpName}]"
            : $"{names} <{option.HelpName}>{more}";
    }

    private static string Description(Option option)
    {
        var text = option.Description + (option.Required ? " Required." : "");
        return
            option.HasDefaultValue
            && option.ValueType != typeof(bool)
            && option.GetDefaultValue() is not (null or string[]) and var value
            ? FormattableString.Invariant($"{text} [{value}]")
            : text;
    }

    // Writes names in one column and descriptions in another.
    private static string Rows(IReadOnlyList<(string Name, string Description)> rows, int width)
    {
        var column = Math.Min(rows.Max(row => row.Name.Length), width * 2 / 5) + 4;
        var text = new StringBuilder();
        foreach (var (name, description) in rows)
        {
            var lines = Lines(description, Math.Max(20, width - column));
            var isLong = name.Length + 2 > column - 2;
            text.Append(isLong ? $"  {name}\n{new string(' ', column)}" : $"  {name}".PadRight(column));
            text.AppendJoin($"\n{new string(' ', column)}", lines).Append('\n');
        }

        return text.ToString();
    }

    private static string Wrapped(string text, int width) => string.Join('\n', Lines(text, width));

    private static IEnumerable<string> Lines(string text, int width)
    {
        var line = new StringBuilder();
        foreach (var word in text.Split(' '))
        {
            if (line.Length > 0 && line.Length + 1 + word.Length > width)
            {
                yield return line.ToString();
                line.Clear();
            }

            line.Append(line.Length > 0 ? " " : "").Append(word);
        }

        yield return line.ToString();
    }
}
