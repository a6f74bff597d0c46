using System.Diagnostics;
using System.Text.Json.Nodes;
using MoCoSharp.Cli.Commands;
using MoCoSharp.Distributed;
using MoCoSharp.Encoders;
using MoCoSharp.Runs;
using MoCoSharp.Training;

namespace MoCoSharp.Cli.Studies;

/// <summary>
/// Trains the candidates of a budget study, each in its own run folder. Skips runs that have ended, and continues
/// stopped ones.
/// </summary>
/// <param name="folder">The folder of the study. It may have runs of other candidates, which stay in the table.</param>
/// <param name="terms">What all candidates have in common.</param>
/// <param name="candidates">Candidates with valid configurations.</param>
/// <param name="seeds">Trainings per candidate.</param>
internal sealed class BudgetRunner(
    string folder, BudgetTerms terms, IReadOnlyList<BudgetCandidate> candidates, int seeds)
{
    private string TableName => $"{terms.Prefix}table";

    /// <summary>Candidates whose folders have other settings. They prevent the study from continuing.</summary>
    public IEnumerable<string> Validate() =>
        from candidate in candidates
        from seed in Enumerable.Range(0, seeds)
        let path = FolderOf(candidate, seed)
        where RunFolder.Exists(path) && BudgetRow.SettingsIn(path) is { } tried && tried != candidate.Text
        select $"{path} was tried with \"{BudgetRow.SettingsIn(path)}\", not \"{candidate.Text}\". Give this " +
            "candidate another name.";

    /// <summary>Trains all remaining runs, a round of candidates per seed. Rewrites the table after each.</summary>
    public int Run(StopSignals signals)
    {
        var baselines = Baselines(signals.Token);
        for (var seed = 0; seed < seeds; seed++)
        {
            foreach (var (number, candidate) in candidates.Index())
            {
                var path = FolderOf(candidate, seed);
                Console.WriteLine(
                    $"-- budget: run {(seed * candidates.Count) + number + 1} of {seeds * candidates.Count}, {path}" +
                    $"{(candidate.Text.Length == 0 ? "" : $": {candidate.Text}")}");
                if (BudgetRow.Read(path) is null && !Train(path, candidate, seed, signals))
                {
                    Console.Error.WriteLine("moco: stopped. The same command continues.");
                    return ExitCode.Stopped;
                }

                Write(baselines);
            }
        }

        Console.WriteLine(File.ReadAllText(Path.Combine(folder, $"{TableName}.md")));
        Console.WriteLine($"{Path.Combine(folder, TableName)}.md and .csv");
        return ExitCode.Done;
    }

    private string FolderOf(BudgetCandidate candidate, int seed) =>
        Path.Combine(folder, $"{terms.Prefix}{candidate.Name}-seed-{seed}");

    // False if stopped.
    private bool Train(string path, BudgetCandidate candidate, int seed, StopSignals signals)
    {
        var watch = Stopwatch.StartNew();
        var code = ExitCode.Done;
        try
        {
            code = RunFolder.Exists(path) ? Continue(path, signals) : Begin(path, candidate, seed, watch, signals);
        }
        catch (DivergedException error)
        {
            Console.Error.WriteLine($"moco: {error.Message}");
        }
        finally
        {
            if (RunFolder.Exists(path))
            {
                BudgetRow.Save(path, candidate, watch.Elapsed.TotalSeconds);
            }
        }

        return code == ExitCode.Done;
    }

    private int Begin(string path, BudgetCandidate candidate, int seed, Stopwatch watch, StopSignals signals)
    {
        List<string> faults = [];
        var plan = Open(candidate, seed, faults);
        plan = plan?.WithinBudget(SingleProcess.Instance, watch.Elapsed, faults)
            ?? throw new ConfigurationException([.. faults.Select(fault => $"candidate {candidate.Name}: {fault}")]);
        foreach (var choice in plan.Fitted.Append(plan.Budget!))
        {
            Console.Error.WriteLine($"moco: note: {choice}");
        }

        var run = RunFolder.Create(path, plan.Config);
        BudgetRow.Save(path, candidate, 0);
        return RunTraining.Begin(plan, run, steps: null, signals, SingleProcess.Instance);
    }

    private static int Continue(string path, StopSignals signals)
    {
        List<string> faults = [];
        var run = RunFolder.Open(path);
        var plan = PretrainPlan.Open(run.ReadConfig(), null, null, faults) ?? throw new ConfigurationException(faults);
        using var hold = run.Hold(note => Console.Error.WriteLine($"moco: note: {note}"));
        return RunTraining.Train(
            plan, run, resumes: true, withChanges: false, steps: null, signals, SingleProcess.Instance);
    }

    private PretrainPlan? Open(BudgetCandidate candidate, int seed, List<string> faults)
    {
        var config = terms.ConfigOf(candidate, faults);
        config = config is null ? null : config with { Seed = config.Seed + seed };
        if (config is not null)
        {
            faults.AddRange(ForeignWeights.Faults(config));
        }

        return PretrainPlan.Open(config, null, null, faults, 1, [.. terms.SettingsOf(candidate)]);
    }

    // Accuracies of raw pixels and color histograms, measured once.
    private Dictionary<string, double> Baselines(CancellationToken cancellation)
    {
        var path = Path.Combine(folder, $"{terms.Prefix}baselines.json");
        if (!File.Exists(path))
        {
            List<string> faults = [];
            var plan = Open(candidates[0], 0, faults) ?? throw new ConfigurationException(faults);
            if (!plan.IsMonitored)
            {
                throw new ConfigurationException([
                    $"{plan.Train.Description}: a study needs labels. Name a source with class folders in train and " +
                    "val, or test images with --val.",
                ]);
            }

            Console.WriteLine("-- budget: raw pixels and color histogram");
            var measured = new JsonObject();
            foreach (var (name, accuracy) in plan.PixelAccuracies(cancellation))
            {
                measured[name] = accuracy;
            }

            StudyTable.Put(folder, Path.GetFileName(path), measured.ToJsonString());
        }

        return JsonNode.Parse(File.ReadAllText(path))!.AsObject()
            .ToDictionary(item => item.Key, item => (double)item.Value!, StringComparer.Ordinal);
    }

    // Of all runs in the folder, including those of earlier commands.
    private void Write(Dictionary<string, double> baselines)
    {
        List<BudgetRow> rows =
        [
            .. Directory.GetDirectories(folder)
                .Where(path => Path.GetFileName(path).StartsWith("final-", StringComparison.Ordinal) == terms.IsFinal)
                .Select(BudgetRow.Read).OfType<BudgetRow>()
                .OrderBy(row => row.Candidate != BudgetCandidate.Recipe.Name)
                .ThenBy(row => row.Candidate, StringComparer.Ordinal).ThenBy(row => row.Seed),
        ];
        var title = FormattableString.Invariant(
            $"{Path.GetFileNameWithoutExtension(terms.Recipe)}: {terms.Minutes} minutes a run");
        var judge = terms.IsFinal
            ? "The test images judge."
            : $"A part of the training images judges, {terms.Judge}, which no run has trained on.";
        StudyTable.Put(folder, $"{TableName}.md", BudgetTable.Markdown(title, rows, baselines, judge));
        StudyTable.Put(folder, $"{TableName}.csv", BudgetTable.Csv(rows));
    }
}
