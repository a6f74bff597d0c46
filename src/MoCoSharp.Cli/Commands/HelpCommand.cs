using System.CommandLine;
using MoCoSharp.Cli.CommandLine;
using MoCoSharp.Data;
using MoCoSharp.Runs;

namespace MoCoSharp.Cli.Commands;

/// <summary>moco help: the output of --help, as a verb.</summary>
internal static class HelpCommand
{
    public static Command Create()
    {
        var verb = new Argument<string[]>("verb")
        {
            Description = "A verb, or a verb with its kind: study ablation.",
            Arity = ArgumentArity.ZeroOrMore,
        };
        var command = new Command("help", "Show all verbs, or the options of a verb.") { verb };
        verb.CompletionSources.Add(_ =>
            command.Parents.OfType<Command>().First().Subcommands.Select(item => item.Name));
        command.SetAction(parsed => ExitCode.Run(verbose: false, () =>
        {
            var found = command.Parents.OfType<Command>().First();
            foreach (var word in parsed.GetValue(verb)!)
            {
                found =
                    found.Subcommands.FirstOrDefault(item => item.Name == word)
                    ?? throw new ConfigurationException([
                        "Unknown verb " +
                        $"{word}.{NearestWord.DidYouMean(word, found.Subcommands.Select(item => item.Name))} " +
                        "`moco help` lists all verbs.",
                    ]);
            }

            Console.Out.Write(HelpText.Create(found, HelpText.Width()));
            return ExitCode.Done;
        }));
        return command;
    }
}
