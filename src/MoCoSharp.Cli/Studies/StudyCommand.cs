using System.CommandLine;
using System.Globalization;
using MoCoSharp.Cli.CommandLine;
using MoCoSharp.Cli.Quality;
using MoCoSharp.Data;
using MoCoSharp.Data.Datasets;
using MoCoSharp.Runs;
using MoCoSharp.Training;

namespace MoCoSharp.Cli.Studies;

/// <summary>moco study: repeats the papers' tables, with one command for each.</summary>
internal static class StudyCommand
{
    public static Command Create()
    {
        var command = new Command(
            "study",
            "Repeat a study of the papers with a recipe: train and evaluate its cells, and write its table and " +
            "plot. Continues a stopped study.");
        foreach (var kind in StudyKinds.All)
        {
            command.Add(Create(kind));
        }

        command.Add(BudgetStudy.Create());
        command.Add(CostStudy.Create());
        command.Add(DetectionStudy.Create());
        return command;
    }

    private static Command Create(StudyKind kind)
    {
        var recipe = new Argument<string>("recipe")
        {
            Description = "A recipe of MoCo: a file or the name of a shipped recipe.",
        }.CompletesRecipes();
        var data = Options.Data("Labeled images for training and evaluation.");
        var validation = Options.Validation("Labeled test images, if the source has no test part.");
        var folder = Options.Run(
            $"The study's folder, with a run folder for each cell. Without it, runs/{kind.Name}-RECIPE.");
        var seeds = Options.Seeds(
            "Number of seeds per cell: the recipe's seed and the following numbers.",
            1,
            "a whole number above 0");
        var set = Options.Set("A setting that overrides the recipe: epochs=20");
        var values = new Option<string?>("--values")
        {
            HelpName = "numbers",
            Description =
                "Values instead of " +
                $"{string.Join(',', kind.Values.Select(value => value.ToString(CultureInfo.InvariantCulture)))}, " +
                "separated by commas.",
        };
        var only = Options.Only("Only these cells, by name, separated by commas.");
        var dryRun = Options.DryRun("List the cells without training.");
        var verbose = Options.Verbose();
        var command = new Command(kind.Name, kind.Description)
        {
            recipe, data, validation, folder, seeds, set, only, dryRun, verbose,
        };
        if (kind.Values.Count > 0)
        {
            command.Add(values);
        }

        command.SetAction(parsed => ExitCode.Run(parsed.GetValue(verbose), () =>
        {
            var faults = new List<string>();
            var named = parsed.GetValue(recipe)!;
            string[] settings =
            [
                .. parsed.GetValue(set)!,
                .. Settings.Text("data", parsed.GetValue(data)),
                .. Settings.Text("validation", parsed.GetValue(validation)),
            ];
            var config = Recipes.TryLoad(named, settings, faults);
            if (config is { MoCo: null })
            {
                faults.Add($"{named} is a recipe of {config.Method.Name}, expected a recipe of MoCo.");
            }

            if (config is { SizeToImages: true })
            {
                faults.Add(
                    $"{named} sizes itself for the images, and the cells of a study have one size. Take " +
                    "moco-v2-folder, or `moco study budget`.");
            }

            if (config is { MoCo: not null } && kind.Fault(config) is { } fault)
            {
                faults.Add(fault);
            }

            config = config is null ? null : config with { Minutes = null }; // all cells have the recipe's epochs
            if (parsed.GetValue(seeds) < 1)
            {
                faults.Add($"--seeds is {parsed.GetValue(seeds)}, expected a number above 0.");
            }

            var chosen =
                kind.Values.Count > 0
                    ? Numbers("--values", parsed.GetValue(values), kind.Values, kind.CountsWhole, faults)
                    : [];
            var images = Images(config, faults);
            if (faults.Count > 0)
            {
                throw new ConfigurationException(faults);
            }

            var all = kind.Cells(config!, chosen, images!.Count).ToList();
            var cells = Cells(all, images, parsed.GetValue(only), faults);
            var path =
                parsed.GetValue(folder)
                ?? Path.Combine("runs", $"{kind.Name}-{Path.GetFileNameWithoutExtension(named)}");
            var runner = new StudyRunner(
                kind,
                path,
                $"{kind.Name}: {Path.GetFileNameWithoutExtension(named)}, {config!.Data}",
                all,
                cells,
                parsed.GetValue(seeds));
            faults.AddRange(runner.Validate());
            if (faults.Count > 0)
            {
                throw new ConfigurationException(faults);
            }

            if (parsed.GetValue(dryRun))
            {
                foreach (var cell in cells)
                {
                    Console.WriteLine(
                        $"{cell.Name}: {cell.Config.Method.Describe()}, {cell.Config.Encoder.Head.Name()} head, " +
                        $"{cell.Config.Views.Recipe.Name()} views, batch {cell.Config.BatchSize}, " +
                        $"{Plain.Count(cell.Config.Epochs, "epoch")} of " +
                        $"{Plain.Count(images!.Count / cell.Config.BatchSize, "step")}");
                }

                return ExitCode.Done;
            }

            Directory.CreateDirectory(path);
            using var signals = new StopSignals();
            return runner.Run(signals);
        }));
        return command;
    }

    private static List<StudyCell> Cells(
        IReadOnlyList<StudyCell> all, IImageDataset images, string? only, List<string> faults)
    {
        var names = only?.Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);
        var unknown = names?.Except(all.Select(cell => cell.Name)).ToList() ?? [];
        if (unknown.Count > 0)
        {
            faults.Add(
                $"--only {string.Join(", ", unknown)}: there is no such cell. Expected " +
                $"{string.Join(", ", all.Select(cell => cell.Name))}.");
        }

        List<StudyCell> cells = [.. all.Where(cell => names is null || names.Contains(cell.Name))];
        if (cells.Count == 0 && unknown.Count == 0)
        {
            faults.Add(
                $"--values leaves no cell: values of K above the number of images, {images.Count}, are left out.");
        }

        foreach (var cell in cells)
        {
            faults.AddRange(cell.Config.Validate().Select(fault => $"cell {cell.Name}: {fault}"));
            if (images.Count < cell.Config.BatchSize)
            {
                faults.Add(
                    $"cell {cell.Name}: {images.Description} has {images.Count} images, fewer than batchSize " +
                    $"{cell.Config.BatchSize}.");
            }
        }

        return cells;
    }

    private static IImageDataset? Images(RunConfig? config, List<string> faults)
    {
        try
        {
            if (config is null)
            {
                return null;
            }

            if (config.Data.Length == 0)
            {
                faults.Add(PretrainPlan.NoData);
                return null;
            }

            var (train, judged) = DataNotices.Open(config.Data, config.Validation);
            if (train.ClassNames.Count < 2 || judged is null || judged.ClassNames.Count == 0)
            {
                faults.Add(
                    $"{train.Description}: a study needs labels. Name a source with class folders in train and " +
                    "val, or test images with --val.");
            }

            return train;
        }
        catch (DataSourceException error)
        {
            faults.Add(error.Message);
            return null;
        }
    }

    internal static IReadOnlyList<double> Numbers(
        string option, string? text, IReadOnlyList<double> otherwise, bool whole, List<string> faults)
    {
        if (text is null)
        {
            return otherwise;
        }

        var numbers = new List<double>();
        foreach (var part in text.Split(',', StringSplitOptions.TrimEntries))
        {
            var isNumber =
                double.TryParse(part, NumberStyles.Float, CultureInfo.InvariantCulture, out var number)
                && double.IsFinite(number);
            if (isNumber && whole && (number != Math.Floor(number) || number is < 1 or > 1e9))
            {
                faults.Add(
                    $"{option} {text}: \"{part}\", expected whole numbers above 0, separated by commas: 256,1024.");
            }
            else if (isNumber)
            {
                numbers.Add(number);
            }
            else
            {
                faults.Add($"{option} {text}: \"{part}\" is not a number. Expected numbers, separated by " +
                    "commas: 0.1,0.2.");
            }
        }

        return [.. numbers.Distinct()];
    }

}
