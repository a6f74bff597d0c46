using System.CommandLine;
using System.Globalization;
using System.Text.Json.Nodes;
using MoCoSharp.Cli.CommandLine;
using MoCoSharp.Cli.Detection;
using MoCoSharp.Cli.Progress;
using MoCoSharp.Data.Datasets;
using MoCoSharp.Detection.Transfer;
using MoCoSharp.Runs;

namespace MoCoSharp.Cli.Studies;

/// <summary>
/// moco study detection: fine-tunes random weights and encoders over several seeds, and writes the paper's table.
/// </summary>
/// <remarks>He et al. 2020, <see href="https://arxiv.org/abs/1911.05722"/>, tables 2 and 4.</remarks>
internal static class DetectionStudy
{
    private const string Random = "random";

    public static Command Create()
    {
        var encoders = new Argument<string[]>("encoders")
        {
            Description = "Run folders or files, as PATH or NAME=PATH: supervised=resnet50.pth moco=runs/moco.",
            Arity = ArgumentArity.OneOrMore,
        };
        var data = Options.Data("Images with boxes: voc:DIR, voc:DIR@SET,DIR@SET, coco:DIR or coco:FILE.json@IMAGES.");
        var validation = Options.Validation("Test images with boxes. Without it, the test part of the source.");
        var seeds = Options.Seeds(
            "Number of seeds per encoder: 0, 1 and so on.",
            3,
            "a whole number from 1 to 100");
        var folder = new Option<string>("--run")
        {
            HelpName = "folder",
            Description = "The study's folder, with a run folder for each training.",
            DefaultValueFactory = _ => Path.Combine("runs", "detection-study"),
        };
        var set = Options.Set("A setting that overrides the protocol, for every training: steps=2000");
        var verbose = Options.Verbose();
        var command = new Command(
            "detection",
            "Fine-tune a detector from random weights and from encoders, over seeds, and write the paper's " +
            "table. Continues a stopped study.")
        {
            encoders, data, validation, seeds, folder, set, verbose,
        };
        command.SetAction(parsed => ExitCode.Run(parsed.GetValue(verbose), () =>
        {
            var named = parsed.GetValue(encoders)!.Select(Named).ToList();
            var faults = named
                .GroupBy(item => item.Name, StringComparer.Ordinal)
                .Where(group => group.Count() > 1 || group.Key == Random)
                .Select(group =>
                    $"{group.Key} names two rows of the table. Give them different names: first=PATH second=PATH.")
                .ToList();
            faults.AddRange(
                named
                    .Where(item =>
                        item.Name.Length == 0 || item.Name.IndexOfAny(Path.GetInvalidFileNameChars()) >= 0)
                    .Select(item => $"\"{item.Name}\" is not a valid name for a row and its folders."));
            if (parsed.GetValue(seeds) is < 1 or > 100)
            {
                faults.Add($"--seeds is {parsed.GetValue(seeds)}, expected 1 to 100.");
            }

            var trainings = Enumerable
                .Range(0, Math.Clamp(parsed.GetValue(seeds), 1, 100))
                .SelectMany(seed =>
                    named
                        .Prepend((Name: Random, Path: named[0].Path))
                        .Select(item => new Training(
                item.Name, seed, Path.Combine(parsed.GetValue(folder)!, $"{item.Name}-seed-{seed}"),
                new DetectionPlan.Request(
                    item.Path, "query", item.Name == Random, parsed.GetValue(data),
                    parsed.GetValue(validation), [.. parsed.GetValue(set)!, $"seed={seed}"]))))
    .ToList();
            Check(trainings.Where(training => training.Seed == 0), faults);
            return Run(trainings, parsed.GetValue(folder)!);
        }));
        return command;
    }

    private sealed record Training(string Row, int Seed, string Folder, DetectionPlan.Request Request);

    // Find all faults before the first training starts.
    private static void Check(IEnumerable<Training> trainings, List<string> faults)
    {
        var remarks = new List<DataNotice>();
        foreach (var training in trainings)
        {
            try
            {
                using var plan = DetectionPlan.Open(training.Request, []);
                remarks.AddRange(plan.Remarks());
                if (
                    RunFolder.Exists(training.Folder)
                    && File.ReadAllText(Path.Combine(training.Folder, RunFolder.ConfigName))
                        != plan.Config.ToJson())
                {
                    faults.Add(
                        $"{training.Folder} already has a training with another configuration. Name another " +
                        "folder with --run.");
                }
            }
            catch (ConfigurationException error)
            {
                faults.AddRange(error.Faults);
            }
        }

        if (faults.Count > 0)
        {
            throw new ConfigurationException([.. faults.Distinct()]);
        }

        foreach (var remark in remarks.Distinct())
        {
            DataNotices.Tell(remark);
        }
    }

    private static int Run(List<Training> trainings, string folder)
    {
        using var signals = new StopSignals();
        var results = new List<(string Row, double Ap50, double Ap, double Ap75)>();
        string[] rows = [.. trainings.Select(training => training.Row).Distinct()];
        foreach (var training in trainings)
        {
            var progress = new DetectionProgress();
            var (end, scores) = Train(training, signals, progress);
            if (scores is not { } found)
            {
                Console.WriteLine("stopped and saved. The same command continues.");
                return end == RunEnd.Stopped ? ExitCode.Stopped : ExitCode.Failed;
            }

            results.Add((training.Row, found.Ap50, found.Ap, found.Ap75));
            Console.WriteLine(
                string.Create(
                    CultureInfo.InvariantCulture,
                    $"{training.Row}, seed {training.Seed}: AP50 {100 * found.Ap50:F2}  AP {100 * found.Ap:F2}  " +
                    $"AP75 {100 * found.Ap75:F2}"));
            DetectionTable.Write(
                folder, rows, results,
                DetectionConfig.Load(Path.Combine(training.Folder, RunFolder.ConfigName)).Deviations());
        }

        Console.Write(File.ReadAllText(Path.Combine(folder, "table.md")));
        return ExitCode.Done;
    }

    private static (RunEnd End, (double Ap50, double Ap, double Ap75)? Scores) Train(
        Training training,
        StopSignals signals,
        DetectionProgress progress)
    {
        var isThere = RunFolder.Exists(training.Folder);
        if (isThere && Done(training.Folder) is { } before)
        {
            return (RunEnd.Finished, before);
        }

        using var plan = DetectionPlan.Open(training.Request, []);
        var run = isThere
            ? RunFolder.Open(training.Folder)
            : RunFolder.Create(training.Folder, plan.Config.ToJson());
        using var hold = run.Hold(progress.Warned);
        Console.WriteLine($"{run.Path}: {plan.Describe()}");
        var (end, result) = DetectionJob.Run(
            plan, run, isResumed: isThere, stepLimit: null, draw: 0, signals, progress);
        return (end, result is null ? null : (result.Scores.Ap50, result.Scores.Ap, result.Scores.Ap75));
    }

    private static (double, double, double)? Done(string folder)
    {
        var path = Path.Combine(
            folder,
            "evaluations",
            $"detection-step-{DetectionConfig.Load(Path.Combine(folder, RunFolder.ConfigName)).Steps:D8}.json");
        if (!File.Exists(path))
        {
            return null;
        }

        var report = JsonNode.Parse(File.ReadAllText(path))!;
        return (Number("ap50"), Number("ap"), Number("ap75"));

        double Number(string key) => report[key]?.GetValue<double>() ?? double.NaN;
    }

    private static (string Name, string Path) Named(string text)
    {
        var equals = text.IndexOf('=');
        return equals > 0 && !System.IO.Path.Exists(text)
            ? (text[..equals], text[(equals + 1)..])
            : (
                System.IO.Path.GetFileNameWithoutExtension(
                    System.IO.Path.GetFullPath(text).TrimEnd(System.IO.Path.DirectorySeparatorChar)),
                text);
    }
}
