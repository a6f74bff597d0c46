using System.CommandLine;
using System.CommandLine.Completions;
using System.CommandLine.Invocation;
using System.CommandLine.Parsing;
using System.Globalization;

namespace MoCoSharp.Cli.CommandLine;

/// <summary>
/// Answers completion requests of a shell. The directive [suggest:POSITION] before a command line prints the words that
/// may stand at the cursor, one per line.
/// </summary>
/// <remarks>
/// System.CommandLine's own completion throws after an option with a value, and does not complete --set.
/// </remarks>
/// <param name="directive">The directive with the position.</param>
internal sealed class Completion(SuggestDirective directive) : SynchronousCommandLineAction
{
    /// <inheritdoc/>
    public override bool ClearsParseErrors => true;

    /// <inheritdoc/>
    public override int Invoke(ParseResult parseResult)
    {
        var line = parseResult.Tokens.LastOrDefault(token => token.Type != TokenType.Directive)?.Value ?? "";
        var isThere = int.TryParse(
            parseResult.GetResult(directive)?.Values is [var text, ..] ? text : null,
            NumberStyles.None,
            CultureInfo.InvariantCulture,
            out var position);
        foreach (
            var word in Find(
                (RootCommand)parseResult.RootCommandResult.Command,
                isThere ? line[..Math.Min(position, line.Length)] : line))
        {
            Console.Out.WriteLine(word);
        }

        return ExitCode.Done;
    }

    /// <summary>Words that may follow a line or complete its last word.</summary>
    public static IReadOnlyList<string> Find(RootCommand root, string line)
    {
        var words = CommandLineParser.SplitCommandLine(line).ToList();
        var typed = words.Count == 0 || char.IsWhiteSpace(line[^1]) ? "" : words[^1];
        var before = words
            .Take(words.Count - (typed.Length > 0 ? 1 : 0))
            .SkipWhile((word, index) => index == 0 && Path.GetFileNameWithoutExtension(word) == "moco")
            .ToList();
        Command command = root;
        foreach (var word in before)
        {
            command = command.Subcommands.FirstOrDefault(item => item.Name == word) ?? command;
        }

        var option =
            before.Count == 0
                ? null
                : command.Options.FirstOrDefault(item => item.Name == before[^1] || item.Aliases.Contains(before[^1]));
        IEnumerable<string> found =
            option is not null
            && option.ValueType != typeof(bool)
            && option is not (System.CommandLine.Help.HelpOption or VersionOption)
            ? Labels(option.GetCompletions(CompletionContext.Empty))
            : typed.StartsWith('-') || (command.Subcommands.Count == 0 && command.Arguments.Count == 0)
            ? command.Options.Where(item => !item.Hidden).Select(item => item.Name).Append("--help")
            :
            [
                .. command.Subcommands.Select(item => item.Name),
                .. command.Arguments.SelectMany(argument => Labels(argument.GetCompletions(CompletionContext.Empty))),
            ];
        return
        [
            .. found
                .Where(word => word.StartsWith(typed, StringComparison.Ordinal))
                .Distinct()
                .Order(StringComparer.Ordinal),
        ];
    }

    private static IEnumerable<string> Labels(IEnumerable<CompletionItem> items) => items.Select(item => item.Label);
}
