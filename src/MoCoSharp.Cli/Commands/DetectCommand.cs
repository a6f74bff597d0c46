using System.CommandLine;
using System.Globalization;
using MoCoSharp.Cli.CommandLine;
using MoCoSharp.Cli.Detection;
using MoCoSharp.Cli.Progress;
using MoCoSharp.Data;
using MoCoSharp.Detection.Transfer;
using MoCoSharp.Runs;

namespace MoCoSharp.Cli.Commands;

/// <summary>moco detect: measures how well an encoder transfers to object detection.</summary>
internal static class DetectCommand
{
    private const int DrawnUnlessSaid = 12;

    public static Command Create()
    {
        var target = new Argument<string?>("run")
        {
            Description = "A run folder, a checkpoint, or a PyTorch file with the initial weights of the detector.",
            Arity = ArgumentArity.ZeroOrOne,
        };
        var data = Options.Data("Images with boxes: voc:DIR, voc:DIR@SET,DIR@SET, coco:DIR or coco:FILE.json@IMAGES.");
        var validation = Options.Validation("Test images with boxes. Without it, the test part of the source.");
        var scratch = Options.FromScratch(
            "Start from random weights, for comparison. The architecture is that of the run, or set with --set " +
            "encoder.depth=18.");
        var which = Options.Encoder();
        var runPath = Options.Run("The run folder of the detection. Without it, runs/detect-<run>-001 and so on.");
        var set = Options.Set("A setting that overrides the protocol: batchSize=8, views.testShortSide=400");
        var seed = Options.Seed("Seed of the order, the sizes, the samples and the new weights.");
        var device = Options.Device();
        var steps = Options.StepLimit(
            "Save and end after this many steps in total. Without it, train all steps, then evaluate.");
        var resume = new Option<bool>("--resume")
        {
            Description = "Continue the detection in --run. If it is complete, evaluate (and draw) again.",
        };
        var usr1 = new Option<string>("--usr1")
        {
            Description = "Action on SIGUSR1: stop (save, exit 75) or continue (save, continue).",
            DefaultValueFactory = _ => "stop",
        }.OneOf("stop", "continue");
        var draw = new Option<int?>("--draw")
        {
            Description =
                $"Draw this many test images with the detected objects ({DrawnUnlessSaid} without a number), the " +
                "curves of precision and recall, and the worst mistakes.",
            Arity = ArgumentArity.ZeroOrOne,
        }.Number("a whole number of images from 1 to 10000");
        var dryRun = Options.DryRun("Show the plan, and deviations from the protocol.");
        var json = Options.Json("With --dry-run: print the whole configuration instead.");
        var prefix = EncoderTarget.PrefixOption();
        var verbose = Options.Verbose();
        var command = new Command(
            "detect",
            "Fine-tune Faster R-CNN (C4) from an encoder on images with boxes, and evaluate it.")
        {
            target, data, validation, scratch, which, runPath, set, seed, device, steps, resume, usr1, draw, dryRun,
            json, prefix, verbose,
        };
        command.SetAction(parsed => ExitCode.Run(parsed.GetValue(verbose), () =>
        {
            var request = new DetectionPlan.Request(
                parsed.GetValue(target), parsed.GetValue(which)!, parsed.GetValue(scratch),
                parsed.GetValue(data), parsed.GetValue(validation),
                [
                    .. parsed.GetValue(set)!, .. Setting("seed", parsed.GetValue(seed)),
                    .. Setting("device", parsed.GetValue(device)),
                ],
                parsed.GetValue(prefix));
            var drawn = parsed.GetResult(draw) is null ? 0 : parsed.GetValue(draw) ?? DrawnUnlessSaid;
            var faults = new List<string>();
            if (parsed.GetValue(steps) <= 0)
            {
                faults.Add($"--steps is {parsed.GetValue(steps)}, expected a number above 0.");
            }

            if (parsed.GetValue(json) && !parsed.GetValue(dryRun))
            {
                faults.Add("--json requires --dry-run: add --dry-run, or leave out --json.");
            }

            if (drawn is < 0 or > 10_000 || (parsed.GetResult(draw) is not null && drawn == 0))
            {
                faults.Add($"--draw is {drawn}, expected 1 to 10000 images.");
            }

            var (plan, run) = parsed.GetValue(resume)
                ? Resume(request, parsed.GetValue(runPath), parsed.GetValue(dryRun), faults)
                : Begin(request, parsed.GetValue(runPath), parsed.GetValue(dryRun), faults);
            using var opened = plan;
            if (run is null)
            {
                Console.WriteLine(
                    parsed.GetValue(json) ? plan.Config.ToJson().TrimEnd() : plan.Describe());
                Notes(plan);
                return ExitCode.Done;
            }

            using var signals = new StopSignals(parsed.GetValue(usr1) == "continue");
            var progress = new DetectionProgress();
            using var hold = run.Hold(progress.Warned);
            Console.WriteLine($"{run.Path}: {plan.Describe()}");
            var (end, result) = DetectionJob.Run(
                plan, run, parsed.GetValue(resume), parsed.GetValue(steps), drawn, signals, progress);
            return Tell(run, end, result, progress);
        }));
        return command;
    }

    private static void Notes(DetectionPlan plan)
    {
        foreach (var remark in plan.Remarks())
        {
            DataNotices.Tell(remark);
        }
    }

    private static (DetectionPlan Plan, RunFolder? Run) Begin(
        DetectionPlan.Request request, string? runPath, bool isDry, List<string> faults)
    {
        if (runPath is not null && !isDry && RunFolder.Exists(runPath))
        {
            faults.Add(
                $"{runPath} already has a run. Add --resume to continue it, or name another folder with --run.");
        }

        var plan = DetectionPlan.Open(request, faults);
        if (!isDry)
        {
            Notes(plan);
        }

        return (
            plan,
            isDry
                ? null
                : RunFolder.Create(runPath ?? NextFolder(request.Target), plan.Config.ToJson()));
    }

    private static (DetectionPlan Plan, RunFolder Run) Resume(
        DetectionPlan.Request request, string? runPath, bool isDry, List<string> faults)
    {
        if (runPath is null)
        {
            faults.Add("--resume needs --run: the folder of the detection to continue.");
        }
        else if (!RunFolder.Exists(runPath))
        {
            faults.Add(
                $"{runPath} is not a run folder: it has no config.json. Leave out --resume to start a run.");
        }

        if (
            request.Target is not null
            || request.FromScratch
            || request.Data is not null
            || request.Validation is not null
            || request.Settings.Count > 0
            || request.Prefix is not null || isDry)
        {
            faults.Add(
                "--resume uses config.json of the run: leave out the encoder, --prefix, --from-scratch, " +
                "--data, --val, --set, --seed, --device and --dry-run.");
        }

        if (faults.Count > 0)
        {
            throw new ConfigurationException(faults);
        }

        var run = RunFolder.Open(runPath!);
        return (DetectionPlan.Resume(run), run);
    }

    private static int Tell(RunFolder run, RunEnd end, DetectionResult? result, DetectionProgress progress)
    {
        if (result is null)
        {
            Console.WriteLine(end == RunEnd.StepLimit
                ? $"ended after the requested steps. `moco detect --resume --run {Shell.Quote(run.Path)}` " +
                    "continues, and evaluates at the end."
                : $"stopped and saved. `moco detect --resume --run {Shell.Quote(run.Path)}` continues.");
            return end == RunEnd.StepLimit ? ExitCode.Done : ExitCode.Stopped;
        }

        Console.WriteLine(string.Create(
            CultureInfo.InvariantCulture,
            $"AP {Percent(result.Scores.Ap)}  AP50 {Percent(result.Scores.Ap50)}  AP75 " +
            $"{Percent(result.Scores.Ap75)}  [{result.Scores.Metric}; {result.Images} images, " +
            $"{result.Scores.Classes.Count} classes]"));
        if (result.Scores.Others.Count > 0)
        {
            Console.WriteLine(
                string.Join("  ", result.Scores.Others.Select(item => $"{item.Key} {Percent(item.Value)}")));
        }

        foreach (var deviation in result.Config.Deviations())
        {
            Console.WriteLine($"  not the protocol: {deviation}");
        }

        if (result.Unreadable > 0)
        {
            Console.WriteLine($"{result.Unreadable} images could not be read and are not counted.");
        }

        Console.WriteLine(Path.Combine(run.Path, "evaluations", $"detection-step-{result.Step:D8}.json"));
        return ExitCode.Done;
    }

    internal static string Percent(double value) =>
        double.IsNaN(value) ? "none" : FormattableString.Invariant($"{100 * value:F2}");

    private static IEnumerable<string> Setting<T>(string key, T? value) => value is null ? [] : [$"{key}={value}"];

    private static string NextFolder(string? target)
    {
        var name = target is null
            ? "scratch"
            : Path.GetFileNameWithoutExtension(Path.GetFullPath(target).TrimEnd(Path.DirectorySeparatorChar));
        return RunFolder.Next($"detect-{name}");
    }
}
