using System.Text.Json;
using System.Text.Json.Nodes;
using MoCoSharp.Cli.CommandLine;
using MoCoSharp.Cli.Commands;
using MoCoSharp.Distributed;
using MoCoSharp.Encoders;
using MoCoSharp.Evaluation;
using MoCoSharp.Features;
using MoCoSharp.Models;
using MoCoSharp.PyTorch;
using MoCoSharp.Runs;
using MoCoSharp.Training;

namespace MoCoSharp.Cli.Studies;

/// <summary>
/// Trains and evaluates the cells of a study, each in its own run folder. Skips finished cells, and continues stopped
/// ones.
/// </summary>
/// <param name="kind">The study.</param>
/// <param name="folder">The folder of the study.</param>
/// <param name="title">Title of the table.</param>
/// <param name="cells">All cells of the study. The table shows those that are finished.</param>
/// <param name="chosen">The cells to train. Their configurations are valid.</param>
/// <param name="seeds">Trainings per cell.</param>
internal sealed class StudyRunner(
    StudyKind kind, string folder, string title, IReadOnlyList<StudyCell> cells, IReadOnlyList<StudyCell> chosen,
    int seeds)
{
    /// <summary>The run folder of a cell and a seed.</summary>
    public string FolderOf(StudyCell cell, int seed) => Path.Combine(folder, $"{cell.Name}-seed-{seed}");

    /// <summary>The configuration of a cell and a seed.</summary>
    public static RunConfig ConfigOf(StudyCell cell, int seed) =>
        cell.Config with
        {
            Seed = cell.Config.Seed + seed,
            Description =
                $"{cell.Config.Description} Study: {string.Join(", ", cell.Shown.Where(text => text.Length > 0))}.",
        };

    /// <summary>
    /// Lists the runs of other recipes in the folder of the study. They prevent the study from continuing.
    /// </summary>
    public IEnumerable<string> Validate() =>
        from seed in Enumerable.Range(0, seeds)
        from cell in chosen
        where RunFolder.Exists(FolderOf(cell, seed))
        let differences = Differences(cell, seed)
        where differences.Count > 0
        select $"{FolderOf(cell, seed)} has another recipe: {string.Join("; ", differences)}. Name another " +
            "folder with --run, or use the earlier recipe.";

    /// <summary>
    /// Trains the chosen cells that remain, one round of cells per seed. Rewrites the tables after each cell, with all
    /// finished cells in the folder, also those of another process.
    /// </summary>
    public int Run(StopSignals signals)
    {
        for (var seed = 0; seed < seeds; seed++)
        {
            foreach (var (number, cell) in chosen.Index())
            {
                var path = FolderOf(cell, seed);
                Console.WriteLine(
                    $"-- {kind.Name}: cell {(seed * chosen.Count) + number + 1} of {seeds * chosen.Count}, {path}");
                if (!Train(path, ConfigOf(cell, seed), signals))
                {
                    Console.Error.WriteLine("moco: stopped. The same command continues.");
                    return ExitCode.Stopped;
                }

                StudyTable.Write(folder, title, kind, cells, Finished());
            }
        }

        Console.WriteLine(StudyTable.Markdown(title, kind, cells, Finished()));
        Console.WriteLine($"{Path.Combine(folder, "table.md")}, table.csv and plot.svg");
        return ExitCode.Done;
    }

    // The results of each cell, up to the first seed that is not finished.
    private Dictionary<string, IReadOnlyList<StudyResult>> Finished() => cells.ToDictionary(
        cell => cell.Name,
        IReadOnlyList<StudyResult> (cell) =>
        [
            .. Enumerable.Range(0, seeds)
                .Select(seed => OutcomeOf(cell, seed))
                .TakeWhile(outcome => outcome is not null)
                .Select(outcome => outcome!.Value),
        ],
        StringComparer.Ordinal);

    // Null also for a run that cannot be read: another process may be writing it. The command that trains it says what
    // is wrong.
    private StudyResult? OutcomeOf(StudyCell cell, int seed)
    {
        try
        {
            return RunFolder.Exists(FolderOf(cell, seed)) && Differences(cell, seed).Count == 0
                ? Outcome(RunFolder.Open(FolderOf(cell, seed)))
                : null;
        }
        catch (Exception error) when (
            error is IOException or InvalidDataException or ConfigurationException or JsonException)
        {
            return null;
        }
    }

    private IReadOnlyList<string> Differences(StudyCell cell, int seed)
    {
        var path = Path.Combine(FolderOf(cell, seed), RunFolder.ConfigName);
        return Settled(path, ConfigOf(cell, seed)).DifferencesFrom(File.ReadAllText(path));
    }

    // False if stopped.
    private static bool Train(string path, RunConfig config, StopSignals signals)
    {
        var exists = RunFolder.Exists(path);
        if (exists && Outcome(RunFolder.Open(path)) is not null)
        {
            return true;
        }

        List<string> faults = [];
        if (exists)
        {
            config = RunFolder.Open(path).ReadConfig();
        }

        if (!exists || RunFolder.Open(path).Checkpoints().Count == 0)
        {
            faults.AddRange(ForeignWeights.Faults(config));
        }

        var plan = PretrainPlan.Open(config, null, null, faults) ?? throw new ConfigurationException(faults);
        try
        {
            if (
                (
                    exists
                        ? GoOn(plan, path, signals)
                        : RunTraining.Begin(
                            plan, RunFolder.Create(path, plan.Config), null, signals, SingleProcess.Instance)
                ) != ExitCode.Done)
            {
                return false;
            }
        }
        catch (DivergedException error)
        {
            Console.Error.WriteLine($"moco: {error.Message}");
            return true;
        }

        try
        {
            using var encoder = EncoderTarget.Open(new EncoderChoice(path), []);
            var data = LabeledData.Open(encoder, null, null, []);
            KnnCommand.Judge(
                encoder, data, "own", config.Knn with
                {
                    Layer = FeatureLayer.Pooled,
                },
                isAskedFor: false, output: null, SingleProcess.Instance, signals.Token);
            LinearCommand.Fast(
                encoder, data, new LinearOptions(), output: null, SingleProcess.Instance, signals.Token,
                keepsClassifier: false);
        }
        catch (OperationCanceledException)
        {
            return false;
        }

        return Results(RunFolder.Open(path)) is not null
            ? true
            : throw new InvalidDataException($"{path}: its evaluations cannot be read.");
    }

    private static int GoOn(PretrainPlan plan, string path, StopSignals signals)
    {
        var run = RunFolder.Open(path);
        using var hold = run.Hold(note => Console.Error.WriteLine($"moco: note: {note}"));
        return RunTraining.Train(
            plan, run, resumes: true, withChanges: false, steps: null, signals, SingleProcess.Instance);
    }

    // The results, or that the training diverged; null if it is not finished.
    private static StudyResult? Outcome(RunFolder run) =>
        Results(run) ?? (File.Exists(run.DivergedPath) ? StudyResult.Diverged : null);

    // The results of the newest checkpoint; null if one of the two is missing.
    private static StudyResult? Results(RunFolder run)
    {
        if (
            run.Checkpoints() is not [var newest, ..]
            || SafeTensors.ReadHeader(newest).Metadata.GetValueOrDefault("epoch") != $"{run.ReadConfig().Epochs}")
        {
            return null;
        }

        var step = Path.GetFileNameWithoutExtension(newest); // step-00001234
        var views = run.ReadConfig().Views;
        var size = $"evaluation view at {views.EvaluationSize ?? views.Size} px"; // a person may evaluate at others
        return Top1("knn") is { } knn && Top1("linear-cached") is { } linear ? new StudyResult(knn, linear) : null;

        double? Top1(string evaluation)
        {
            var folder = Path.Combine(run.Path, "evaluations");
            return Directory.Exists(folder)
                ? Directory
                    .GetFiles(folder, $"{evaluation}-query-{step}-*.json")
                    .Order(StringComparer.Ordinal)
                    .Select(path => JsonNode.Parse(File.ReadAllText(path)))
                    .FirstOrDefault(
                        report => $"{report?["protocol"]}".Contains(size, StringComparison.Ordinal))
                    ?["top1"]?.GetValue<double>()
                : null;
        }
    }

    // Choices that a run makes once at its start (threads, precision, classes) are not differences.
    private static RunConfig Settled(string path, RunConfig config)
    {
        var saved = RunConfig.Load(path);
        config = config with { Threads = saved.Threads, Precision = saved.Precision, Packed = saved.Packed };
        return config.Method.LearnsLabels && saved.Method.LearnsLabels ? config.With(saved.Method) : config;
    }
}
