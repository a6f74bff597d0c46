using System.CommandLine;
using System.Diagnostics;
using System.Globalization;
using MoCoSharp.Cli.CommandLine;
using MoCoSharp.Cli.Watching;
using MoCoSharp.Data;
using MoCoSharp.Data.Loading;
using MoCoSharp.Distributed;
using MoCoSharp.Distributed.Nccl;
using MoCoSharp.Encoders;
using MoCoSharp.Runs;
using MoCoSharp.Training;

namespace MoCoSharp.Cli.Commands;

/// <summary>moco pretrain: trains an encoder on images.</summary>
internal static class PretrainCommand
{
    public static Command Create()
    {
        var recipe = new Argument<string?>("recipe")
        {
            Description = "A recipe file or the name of a shipped recipe.",
            Arity = ArgumentArity.ZeroOrOne,
        }.CompletesRecipes();
        var data = Options.Data(
            "Images: a folder, a list file, a packed set, tar shards (shards/{000..099}.tar), cifar10:PATH, " +
            "cifar100:PATH, idx:PATH, patterns.");
        var validation = Options.Validation(
            "Labeled images for the kNN monitor, if the source has no test part; or held-out:0.1, a tenth of the " +
            "training images.");
        var runPath = Options.Run("The run folder. Without it, runs/<recipe>-001 and so on.");
        var set = Options.Set("A setting that overrides the recipe: moco.temperature=0.1");
        var minutes = Options.Minutes(
            "Choose the epochs so that the whole run ends within this time, measured from the start of the program.");
        var steps = Options.StepLimit("Save and end after this many steps in total.");
        var resume = new Option<bool>("--resume") { Description = "Continue the run in --run." };
        var changes = new Option<bool>("--resume-with-changes")
        {
            Description = "Continue with another recipe (--set) or other images (--data), and record the changes.",
        };
        var usr1 = new Option<string>("--usr1")
        {
            Description = "Action on SIGUSR1: stop (save, exit 75) or continue (save, continue).",
            DefaultValueFactory = _ => "stop",
        }.OneOf("stop", "continue");
        var dryRun = Options.DryRun("Show the plan, and estimate time and memory.");
        var json = Options.Json("With --dry-run: print the complete configuration instead, to keep as a recipe.");
        var device = Options.Device();
        var upright = Options.ExifOrientation("Turn photos upright by their EXIF orientation: views.exifOrientation.");
        var onBadImage = new Option<string?>("--on-bad-image") { Description = "skip (and name it) or fail." }.OneOf([
            .. EnumNames.All<BadImageAction>(),
        ]);
        var watch = new Option<bool>("--watch")
        {
            Description = "Serve a page of the run while it trains, as moco watch does.",
        };
        var port = WatchCommand.Port("--watch-port");
        var open = WatchCommand.Open();
        var verbose = Options.Verbose();
        var command = new Command("pretrain", "Pre-train an encoder. Without arguments: on the built-in images.")
        {
            recipe, data, validation, runPath, set, minutes, steps, resume, changes, usr1, dryRun, json, device,
            upright, onBadImage, watch, port, open, verbose,
        };
        command.SetAction(parsed => Processes.Run(parsed.GetValue(verbose), group =>
        {
            var given = new Request(
                parsed.GetValue(recipe), parsed.GetValue(data), parsed.GetValue(validation),
                parsed.GetValue(runPath), parsed.GetValue(set)!, parsed.GetValue(minutes),
                parsed.GetValue(steps), parsed.GetValue(resume) || parsed.GetValue(changes),
                parsed.GetValue(changes), parsed.GetValue(usr1) == "continue",
                parsed.GetValue(dryRun), parsed.GetValue(json), parsed.GetValue(device),
                parsed.GetValue(upright),
                parsed.GetValue(onBadImage),
                parsed.GetValue(watch), parsed.GetValue(port), parsed.GetValue(open));
            return given.Resume ? Resume(given, group) : Start(given, group);
        }));
        return command;
    }

    private sealed record Request(
        string? Recipe, string? Data, string? Validation, string? Run, string[] Settings, double? Minutes, long? Steps,
        bool Resume, bool WithChanges, bool Usr1Continues,
        bool DryRun, bool Json, string? Device, bool Upright, string? OnBadImage,
        bool Watch, int? WatchPort, bool Open)
    {
        /// <summary>How to watch the run; null is not at all.</summary>
        public WatchRequest? Watching => Watch ? new WatchRequest(WatchPort, Open) : null;

        /// <summary>What is wrong with the options of the page.</summary>
        public IEnumerable<string> WatchFaults() =>
        [
            .. WatchCommand.Faults("--watch-port", WatchPort),
            .. Fault(!Watch && WatchPort is not null, "--watch-port requires --watch: add --watch."),
            .. Fault(!Watch && Open, "--open requires --watch: add --watch."),
            .. Fault(Watch && DryRun, "--dry-run trains nothing to watch: leave out --watch."),
        ];

        private static string[] Fault(bool isWrong, string text) => isWrong ? [text] : [];

        /// <summary>The source of images, from --data or --set data=; null if none is given.</summary>
        public string? Source =>
            Data
            ?? Settings
                .Where(setting => setting.StartsWith("data=", StringComparison.Ordinal))
                .Select(setting => setting["data=".Length..].Trim('"'))
                .LastOrDefault();

        public string RecipeTaken => Recipe ?? Recipes.For(Source);

        public string RecipeName => Path.GetFileNameWithoutExtension(RecipeTaken);

        // All settings, including options such as --data.
        public IEnumerable<string> AllSettings =>
        [
            .. Settings, .. Upright ? ["views.exifOrientation=true"] : Array.Empty<string>(),
            .. CommandLine.Settings.Text("data", Data), .. CommandLine.Settings.Text("validation", Validation),
            .. CommandLine.Settings.Text("device", Device),
            .. CommandLine.Settings.Text("loader.onBadImage", OnBadImage),
            .. Minutes is { } minutes ? [string.Create(CultureInfo.InvariantCulture, $"minutes={minutes}")]
                : Array.Empty<string>(),
        ];
    }

    private static int Start(Request request, IProcessGroup group)
    {
        List<string> faults = [.. request.WatchFaults()];
        var config = Recipes.TryLoad(request.RecipeTaken, request.AllSettings, faults);
        if (config is null && request.Recipe is null
            && request.Settings.Select(setting => setting.Split('.', '=')[0])
                .FirstOrDefault(name => Recipes.ForMethod(name).Any()) is { } own)
        {
            faults.Add(
                $"No recipe is named, so {request.RecipeName} is taken. Name one for {own}: " +
                $"{string.Join(", ", Recipes.ForMethod(own))}.");
        }

        if (request.Steps <= 0)
        {
            faults.Add($"--steps is {request.Steps}, expected a number above 0.");
        }

        if (request is { Json: true, DryRun: false })
        {
            faults.Add("--json requires --dry-run: add --dry-run, or leave out --json.");
        }

        if (group.Rank == 0 && request.Run is not null && !request.DryRun && RunFolder.Exists(request.Run))
        {
            faults.Add(
                $"{request.Run} already has a run. Add --resume to continue it, or name another folder with --run."
            );
        }

        if (group.Rank == 0 && config is not null)
        {
            faults.AddRange(ForeignWeights.Faults(config)); // only the first process reads weights
        }

        // Check the data even if the recipe has faults, to report all faults at once.
        var plan = PretrainPlan.Open(config, request.Data, request.Validation, faults, group.Size,
            [.. request.AllSettings], DataNotices.Listing());
        if (RankAgreement.Faults(group, plan, faults) is { Count: > 0 } all)
        {
            return Processes.Refuse(group, all);
        }

        if (!request.DryRun)
        {
            Notes(plan!, request); // before the budget is measured, which takes time
            BusyMachine.Warn(plan!.Config, group);
        }

        plan = WithinBudget(plan!, group, faults);
        if (plan is null)
        {
            return Processes.Refuse(group, faults);
        }

        if (request.DryRun)
        {
            if (group.Rank == 0)
            {
                Show(plan, request.Json);
            }

            Notes(plan, request);
            return ExitCode.Done;
        }

        using var signals = new StopSignals(request.Usr1Continues);
        var path = group.Broadcast(request.Run ?? RunFolder.Next(request.RecipeName));
        var run = group.Rank == 0 ? RunFolder.Create(path, plan.Config) : RunFolder.OpenUnchecked(path);
        return RunTraining.Begin(plan, run, request.Steps, signals, group, request.Watching);
    }

    // Measures on the processes that will train, and prints the choice.
    private static PretrainPlan? WithinBudget(PretrainPlan plan, IProcessGroup group, List<string> faults)
    {
        if (plan.Config.Minutes is null)
        {
            return plan;
        }

        var devices = RankAgreement.OnDevices(group, plan.Config.Device);
        using var gpus = devices as NcclGroup;
        using var process = Process.GetCurrentProcess();
        var fitted = plan.WithinBudget(devices, DateTime.Now - process.StartTime, faults);
        if (fitted?.Budget is { } why)
        {
            Note(why);
        }

        return fitted;
    }

    private static int Resume(Request request, IProcessGroup group)
    {
        List<string> faults = [.. request.WatchFaults()];
        if (request.Run is null)
        {
            faults.Add("--resume needs --run: the folder of the run to continue.");
        }

        if (request.Recipe is not null || request.DryRun)
        {
            faults.Add(
                "--resume uses config.json of the run: leave out the recipe and --dry-run. --set key=value " +
                "changes a setting.");
        }

        if (request.AllSettings.Any(setting => setting.StartsWith("minutes=", StringComparison.Ordinal)))
        {
            faults.Add("--minutes chooses the epochs of a new run; config.json of this run has them. Leave it out.");
        }

        if (group.Rank == 0 && request.Run is not null && !RunFolder.Exists(request.Run))
        {
            faults.Add(
                $"{request.Run} is not a run folder: it has no config.json. Leave out --resume to start a run.");
        }

        if (request.Steps <= 0)
        {
            faults.Add($"--steps is {request.Steps}, expected a number above 0.");
        }

        if (Processes.Agree(group, faults) is { Count: > 0 } wrong)
        {
            return Processes.Refuse(group, wrong);
        }

        using var signals = new StopSignals(request.Usr1Continues);
        var run = group.Rank == 0 ? RunFolder.Open(request.Run!) : RunFolder.OpenUnchecked(request.Run!);
        if (group.Rank == 0 && ForeignWeights.MissingIn(run) is { Count: > 0 } missing)
        {
            throw new ConfigurationException([
                $"{run.Path} was imported without {string.Join(", ", missing)}: it cannot be resumed. Start " +
                "training from its weights: " +
                $"{ImportCommand.Beginning(run.ReadConfig().Encoder, run.Path, null, null)}",
            ]);
        }

        using var hold = group.Rank == 0 ? run.Hold(Note) : null;
        var saved = group.Broadcast(group.Rank == 0 ? run.ReadConfig().ToJson() : "");
        var config = RunConfig.Parse(saved, run.ConfigPath, request.AllSettings);
        if (group.Rank == 0 && run.Checkpoints().Count == 0)
        {
            faults.AddRange(ForeignWeights.Faults(config));
        }

        var plan = PretrainPlan.Open(config, null, null, faults, group.Size, listed: DataNotices.Listing());
        if (RankAgreement.Faults(group, plan, faults) is { Count: > 0 } all)
        {
            return Processes.Refuse(group, all);
        }

        BusyMachine.Warn(plan!.Config, group);
        return RunTraining.Train(
            plan, run, resumes: true, request.WithChanges, request.Steps, signals, group, request.Watching);
    }

    private static void Show(PretrainPlan plan, bool asJson)
    {
        if (asJson)
        {
            Console.Write(plan.Config.ToJson());
            return;
        }

        DryRun.Print(plan);
    }

    // Values of a shipped recipe are intended; remark only on values that the user changed.
    private static void Notes(PretrainPlan plan, Request request)
    {
        foreach (var notice in plan.Notices)
        {
            DataNotices.Tell(notice);
        }

        DataNotices.TellTurned(plan.Train, plan.Config.Views.ExifOrientation, "--exif-orientation");
        DataNotices.TellSharedOfFew(plan.Train, plan.IsMonitored ? plan.Validation : null);
        if (request.Recipe is null && Recipes.Remark(request.Source) is { } taken)
        {
            Note(taken);
        }

        var path = Recipes.Find(request.RecipeTaken);
        var meant = Recipes.IsShipped(path) ? RunConfig.Load(path).Remarks() : [];
        foreach (var remark in plan.Remarks().Except(meant))
        {
            Note(remark);
        }
    }

    private static void Note(string text) => Console.Error.WriteLine($"moco: note: {text}");
}
