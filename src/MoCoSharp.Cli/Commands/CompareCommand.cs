using System.CommandLine;
using MoCoSharp.Cli.CommandLine;
using MoCoSharp.Data;
using MoCoSharp.Diagnostics;
using MoCoSharp.Runs;

namespace MoCoSharp.Cli.Commands;

/// <summary>
/// moco compare: prints which runs were worth it, by their monitors, and their evaluations, a table for each protocol.
/// </summary>
internal static class CompareCommand
{
    public static Command Create()
    {
        var runs = new Argument<string[]>("runs") { Description = "Run folders.", Arity = ArgumentArity.OneOrMore };
        var verbose = Options.Verbose();
        var command = new Command("compare", "Compare the evaluations of runs, protocol by protocol.")
        {
            runs,
            verbose,
        };
        command.SetAction(parsed => ExitCode.Run(parsed.GetValue(verbose), () =>
        {
            var missing = parsed.GetValue(runs)!.Where(path => !RunFolder.Exists(path)).ToList();
            if (missing.Count > 0)
            {
                throw new ConfigurationException([
                    .. missing.Select(path => $"{path} is not a run folder: it has no config.json."),
                ]);
            }

            var found = parsed
                .GetValue(runs)!
                .Distinct()
                .Select(path => (Path: path, Run: RunFolder.Open(path)))
                .Select(run => (
                    run.Path, Results: RunScore.Read(run.Run, run.Path).ToList(), Worth: Worth(run.Run)))
                .ToList();
            List<(string, RunWorth)> measured =
            [
                .. found.Where(run => run.Worth is not null).Select(run => (run.Path, run.Worth!)),
            ];
            foreach (var line in WorthTable.Lines(measured))
            {
                Console.WriteLine(line);
            }

            foreach (
                var path in found
                    .Where(run => run.Results.Count == 0 && run.Worth?.Protocol is null)
                    .Select(run => run.Path))
            {
                Console.Error.WriteLine(
                    $"moco: warning: {path} has no evaluations yet. Create one with " +
                    $"`moco knn {Shell.Quote(path)}` or `moco linear {Shell.Quote(path)}`.");
            }

            List<RunScore> all = [.. found.SelectMany(run => run.Results)];
            if (all.Count == 0 && measured.Exists(run => run.Item2.Protocol is not null))
            {
                return ExitCode.Done;
            }

            if (all.Count == 0)
            {
                Console.Error.WriteLine("moco: none of the runs has an evaluation to compare.");
                return ExitCode.Failed;
            }

            Print(all);
            return ExitCode.Done;
        }));
        return command;
    }

    // Null for a run that is no pre-training, such as a detection.
    private static RunWorth? Worth(RunFolder run)
    {
        try
        {
            return RunWorth.Read(run);
        }
        catch (Exception error) when (error is InvalidDataException or ConfigurationException)
        {
            return null;
        }
    }

    private static void Print(List<RunScore> results)
    {
        var protocols = results.GroupBy(result => result.Protocol).ToList();
        if (protocols.Count > 1)
        {
            Console.WriteLine(
                $"{protocols.Count} protocols, each in its own table. Numbers of different tables are not comparable.");
        }

        foreach (var protocol in protocols)
        {
            Console.WriteLine();
            Console.WriteLine($"{protocol.First().Evaluation}: {protocol.Key}");
            var width = protocol.Max(result => result.Run.Length);
            foreach (var result in protocol.OrderByDescending(result => result.Top1))
            {
                Console.WriteLine(
                    FormattableString.Invariant($"  {result.Run.PadRight(width)}  step {result.Step,8}  ") +
                    FormattableString.Invariant($"seed {result.Seed,3}  top-1 {100 * result.Top1,6:F2}") +
                    (result.Interval is null ? "" : $" ({result.Interval})") +
                    (result.Top5 is { } top5 ? FormattableString.Invariant($"  top-5 {100 * top5,6:F2}") : ""));
            }

            foreach (var sentence in RunScore.Seeds(protocol))
            {
                Console.WriteLine($"  {sentence}");
            }
        }
    }
}
