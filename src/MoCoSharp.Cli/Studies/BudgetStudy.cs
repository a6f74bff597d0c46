using System.CommandLine;
using System.Globalization;
using MoCoSharp.Cli.CommandLine;
using MoCoSharp.Runs;

namespace MoCoSharp.Cli.Studies;

/// <summary>
/// moco study budget: trains candidates within the same time, and judges all by one protocol on images that are set
/// aside. The test images judge only what --final names.
/// </summary>
internal static class BudgetStudy
{
    private const double DefaultMinutes = 30;

    public static Command Create()
    {
        var recipe = new Argument<string>("recipe")
        {
            Description = "The recipe that candidates change: a file or the name of a shipped recipe.",
        }.CompletesRecipes();
        var data = Options.Data("Labeled images for training and evaluation.");
        var judge = Options.Validation(
            $"The part of the training images that judges. Without it, {BudgetTerms.HeldOut}. With --final: test " +
            "images, if the source has no test part.");
        var folder = Options.Run("The study's folder, with a run folder for each run. Without it, runs/budget-RECIPE.");
        var minutes = Options.Minutes($"The time of a run, from its start to its last evaluation. [{DefaultMinutes}]");
        var seeds = Options.Seeds(
            "Number of seeds per candidate: the recipe's seed and the following numbers.", 3, "a whole number above 0");
        var set = Options.Set("A setting of all candidates: batchSize=128");
        var tried = new Option<string[]>("--try")
        {
            HelpName = "name: key=value ...",
            Description = "A candidate: its name and its settings, as one word: --try \"cold: moco.temperature=0.1\"",
            AllowMultipleArgumentsPerToken = true,
            DefaultValueFactory = _ => [],
        };
        var candidates = new Option<string?>("--candidates")
        {
            HelpName = "file",
            Description = "A JSON file of candidates: {\"cold\": \"moco.temperature=0.1 bnGroups=2\"}.",
        };
        var only = Options.Only(
            "Only these candidates, by name, separated by commas. \"recipe\" is the recipe itself.");
        var final = new Option<string?>("--final")
        {
            HelpName = "names",
            Description =
                "Train these candidates on all training images, and judge them by the test images. Use it once, for " +
                "the candidate that you choose.",
        };
        var dryRun = Options.DryRun("List the candidates without training.");
        var verbose = Options.Verbose();
        var command = new Command(
            "budget",
            "Compare settings within the same time: kNN k=200 T=0.1 on pooled features after the last epoch, judged " +
            "by images that are set aside, beside raw pixels, color histogram and untrained encoder.")
        {
            recipe, data, judge, folder, minutes, seeds, set, tried, candidates, only, final, dryRun, verbose,
        };
        command.SetAction(parsed => ExitCode.Run(parsed.GetValue(verbose), () =>
        {
            var faults = new List<string>();
            var named = parsed.GetValue(recipe)!;
            var isFinal = parsed.GetValue(final) is not null;
            var terms = new BudgetTerms(
                named, [.. parsed.GetValue(set)!, .. Settings.Text("data", parsed.GetValue(data))],
                parsed.GetValue(minutes) ?? DefaultMinutes,
                parsed.GetValue(judge) ?? (isFinal ? null : BudgetTerms.HeldOut), isFinal);
            if (isFinal == terms.JudgesWithTrainingImages)
            {
                faults.Add(
                    isFinal
                        ? $"--val {terms.Judge} beside --final: expected test images, or no --val for the source's own."
                        : $"--val {terms.Judge}: expected a part of the training images, such as held-out:0.1. Test " +
                            "images judge only the candidate that --final names.");
            }

            if (parsed.GetValue(seeds) < 1)
            {
                faults.Add($"--seeds is {parsed.GetValue(seeds)}, expected a number above 0.");
            }

            var all = BudgetCandidate.Read(parsed.GetValue(tried)!, parsed.GetValue(candidates), faults);
            var (option, names) = isFinal ? ("--final", parsed.GetValue(final)) : ("--only", parsed.GetValue(only));
            var chosen = Named(all, option, names, faults);
            faults.AddRange(terms.Faults());
            foreach (var candidate in chosen)
            {
                terms.ConfigOf(candidate, faults);
            }

            var path =
                parsed.GetValue(folder)
                ?? Path.Combine("runs", $"budget-{Path.GetFileNameWithoutExtension(named)}");
            var runner = new BudgetRunner(path, terms, chosen, parsed.GetValue(seeds));
            faults.AddRange(runner.Validate());
            if (faults.Count > 0)
            {
                throw new ConfigurationException([.. faults.Distinct()]);
            }

            if (parsed.GetValue(dryRun))
            {
                List(chosen, parsed.GetValue(seeds), terms.Minutes);
                return ExitCode.Done;
            }

            if (terms.Settle(path) is { Count: > 0 } differences)
            {
                throw new ConfigurationException(differences);
            }

            using var signals = new StopSignals();
            try
            {
                return runner.Run(signals);
            }
            catch (OperationCanceledException)
            {
                return ExitCode.Stopped;
            }
        }));
        return command;
    }

    private static IReadOnlyList<BudgetCandidate> Named(
        IReadOnlyList<BudgetCandidate> all, string option, string? text, List<string> faults)
    {
        var names = text?.Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);
        faults.AddRange((names ?? []).Except(all.Select(candidate => candidate.Name)).Select(name =>
            $"{option} {name}: there is no such candidate. Expected " +
            $"{string.Join(", ", all.Select(candidate => candidate.Name))}."));
        return [.. all.Where(candidate => names is null || names.Contains(candidate.Name))];
    }

    private static void List(IReadOnlyList<BudgetCandidate> candidates, int seeds, double minutes)
    {
        foreach (var candidate in candidates)
        {
            Console.WriteLine(
                $"{candidate.Name}: {(candidate.Text.Length == 0 ? "the recipe as it is" : candidate.Text)}");
        }

        Console.WriteLine(string.Create(
            CultureInfo.InvariantCulture,
            $"{candidates.Count * seeds} runs of {minutes} minutes: " +
            $"{candidates.Count * seeds * minutes / 60:0.#} hours"));
    }
}
