using System.CommandLine;
using System.CommandLine.Parsing;
using System.Globalization;
using MoCoSharp.Data;

namespace MoCoSharp.Cli.CommandLine;

/// <summary>
/// Faults of a command line, in messages for users. System.CommandLine's own messages name .NET types, and report the
/// words after a mistyped option instead of the option.
/// </summary>
internal static class UsageFaults
{
    /// <summary>The words of a verb: study, ablation.</summary>
    public static IEnumerable<string> Names(this CommandResult result) =>
        result.Parent is CommandResult { Command: not RootCommand } parent
            ? [.. parent.Names(), result.Command.Name]
            : [result.Command.Name];

    /// <summary>Finds all faults; empty if the line is valid.</summary>
    /// <param name="parsed">The line as parsed by System.CommandLine.</param>
    /// <param name="words">The words of the line.</param>
    public static IReadOnlyList<string> Find(ParseResult parsed, IReadOnlyList<string> words)
    {
        var (command, mistyped) = (parsed.CommandResult.Command, Mistyped(parsed, words));
        var empty = Empty(parsed).ToList();
        if (parsed.Errors.Count == 0 && mistyped.Count == 0 && empty.Count == 0)
        {
            return [];
        }

        if (command.Subcommands.Count > 0)
        {
            return [Verb(command, parsed)];
        }

        List<string> faults =
        [
            .. mistyped.Select(word => Unknown(word, command)),
            .. empty,
            .. Values(parsed),
            // System.CommandLine misplaces the words after a mistyped option.
            .. mistyped.Count > 0 ? [] : Missing(parsed).Concat(TooMany(parsed)),
        ];
        return faults.Count > 0 ? faults : [.. parsed.Errors.Select(error => error.Message)];
    }

    private static string Verb(Command command, ParseResult parsed)
    {
        var what = command is RootCommand ? "verb" : command.Name;
        var names = command.Subcommands.Where(item => !item.Hidden).Select(item => item.Name).ToList();
        return parsed.UnmatchedTokens is [var word, ..]
            ? $"Unknown {(word.StartsWith('-') ? "option" : what)} " +
                $"{Quoted(word)}.{Suggestion(word, [.. names, .. Options(command)])}"
                + (command is RootCommand ? "" : $" Expected {ValueOptions.Or(names)}.")
            : $"moco {command.Name} needs a kind: {ValueOptions.Or(names)}.";
    }

    // Words that look like options but are unknown, wherever System.CommandLine has put them. Words after -- are taken
    // literally.
    private static List<string> Mistyped(ParseResult parsed, IReadOnlyList<string> words)
    {
        var values = parsed
            .Tokens.Where(token => token.Type == TokenType.Argument)
            .Select(token => token.Value)
            .ToHashSet(StringComparer.Ordinal);
        var known = Options(parsed.CommandResult.Command);
        return [.. words.TakeWhile(word => word != "--").Where(word => word is ['-', _, ..] &&
            ((values.Contains(word) && !Path.Exists(word) && !IsNumber(word)) || IsShortOfADash(word, known)))];
    }

    // System.CommandLine reads -output as -o with the value "utput", which no user intends.
    private static bool IsShortOfADash(string word, IReadOnlyList<string> known) =>
        word is ['-', not '-', _, ..] && known.Contains("-" + word.Split('=', ':')[0]) && !known.Contains(word);

    // Empty values usually come from an unset shell variable.
    private static IEnumerable<string> Empty(ParseResult parsed) =>
    [
        .. OptionsOf(parsed.CommandResult.Command)
            .Where(option => Has(parsed.GetResult(option)))
            .Select(option => $"{option.Name} is empty. {option.Description}"),
        .. parsed
            .CommandResult.Command.Arguments.Where(argument => Has(parsed.GetResult(argument)))
            .Select(argument => $"<{argument.Name}> is empty. {argument.Description}"),
    ];

    private static bool Has(SymbolResult? result) =>
        result?.Tokens.Any(token => string.IsNullOrWhiteSpace(token.Value)) == true;

    private static string Unknown(string word, Command command)
    {
        var name = word.Split('=', ':')[0];
        var suggestion = IsShortOfADash(word, Options(command))
            ? $" Did you mean -{name}?"
            : Suggestion(name, Options(command));
        var advice = suggestion.Length > 0
            ? suggestion
            : " Write a value that begins with - after =, as in --run=-x.";
        return $"Unknown option {Quoted(name)}.{advice}";
    }

    private static IEnumerable<string> Values(ParseResult parsed)
    {
        foreach (var option in OptionsOf(parsed.CommandResult.Command))
        {
            if (parsed.GetResult(option) is not { Implicit: false } result)
            {
                continue;
            }

            if (result.Tokens.Count < option.Arity.MinimumNumberOfValues)
            {
                yield return $"{option.Name} has no value: expected <{option.HelpName ?? "value"}>. " +
                    $"{option.Description}";
            }
            else if (result.Tokens.Count > option.Arity.MaximumNumberOfValues)
            {
                yield return $"{option.Name} is given {Times(result.Tokens.Count)}, expected once: " +
                    $"{string.Join(", ", result.Tokens.Select(token => Quoted(token.Value)))}.";
            }
            else
            {
                foreach (
                    var message in parsed.Errors.Where(error => IsOf(error, result)).Select(error => error.Message))
                {
                    yield return message;
                }
            }
        }
    }

    private static bool IsOf(ParseError error, OptionResult option) =>
        error.SymbolResult == option || (error.SymbolResult is ArgumentResult argument && argument.Parent == option);

    private static IEnumerable<string> Missing(ParseResult parsed)
    {
        var command = parsed.CommandResult.Command;
        foreach (
            var argument in command.Arguments.Where(item =>
                item.Arity.MinimumNumberOfValues > 0 && parsed.GetResult(item) is null or { Tokens.Count: 0 }))
        {
            yield return $"<{argument.Name}> is missing. {argument.Description}";
        }

        foreach (
            var option in command.Options.Where(item =>
                item.Required && parsed.GetResult(item) is null or { Implicit: true }))
        {
            yield return $"{option.Name} is missing. {option.Description}";
        }
    }

    private static IEnumerable<string> TooMany(ParseResult parsed)
    {
        var arguments = parsed.CommandResult.Command.Arguments;
        return parsed.UnmatchedTokens.Select(word =>
            $"{Quoted(word)} is not expected: moco {parsed.CommandResult.Command.Name} takes " +
            $"{(arguments.Count == 0 ? "only options" : $"one <{arguments[0].Name}>")}. Put a name with spaces in " +
            "quotes.");
    }

    private static string Suggestion(string word, IReadOnlyList<string> known) => NearestWord.DidYouMean(word, known);

    private static IReadOnlyList<string> Options(Command command) =>
        [
            .. OptionsOf(command)
                .Where(option => !option.Hidden)
                .SelectMany(option => option.Aliases.Prepend(option.Name))
                .Append("--help"),
        ];

    // Its own options, and the one of every verb.
    private static IEnumerable<Option> OptionsOf(Command command) =>
        command.Options.Union([CommandLine.Options.Libtorch]);

    private static bool IsNumber(string text) =>
        double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out _);

    private static string Times(int count) => count == 2 ? "twice" : $"{count} times";

    // Replaces control characters, which could disturb a terminal.
    private static string Quoted(string word) =>
        new([.. word.Take(200).Select(letter => char.IsControl(letter) ? '?' : letter)]);
}
