using System.CommandLine;
using System.Globalization;
using System.Text.Json.Nodes;
using MoCoSharp.Cli.CommandLine;
using MoCoSharp.Cli.Progress;
using MoCoSharp.Data;
using MoCoSharp.Runs;
using MoCoSharp.Training;

namespace MoCoSharp.Cli.Commands;

/// <summary>
/// moco bench step: measures the speed of a recipe's training step, and compares it with the limit of the machine.
/// </summary>
internal static class BenchStep
{
    public static Command Create()
    {
        var recipe = new Argument<string?>("recipe")
        {
            Description = "A recipe file or the name of a shipped recipe.",
            Arity = ArgumentArity.ZeroOrOne,
        }.CompletesRecipes();
        var set = Options.Set("A setting that overrides the recipe: precision=fp32");
        var steps = Options.MeasuredSteps();
        var json = Options.Json("Print one JSON object.");
        var verbose = Options.Verbose();
        var command = new Command("step", "Time the phases of a training step, on generated images; nothing is saved.")
        {
            recipe, set, steps, json, verbose,
        };
        command.SetAction(parsed => ExitCode.Run(parsed.GetValue(verbose), () =>
        {
            var faults = new List<string>();
            var config = Recipes.TryLoad(parsed.GetValue(recipe) ?? "patterns", parsed.GetValue(set)!, faults);
            var count = parsed.GetValue(steps);
            if (count < 1)
            {
                faults.Add($"--steps is {count}, expected a number above 0.");
            }

            if (config is null || faults.Count > 0)
            {
                throw new ConfigurationException(faults);
            }

            config = PretrainPlan.Resolve(config);
            if (parsed.GetValue(json))
            {
                Console.WriteLine(Json(config, StepTimes.Measure(config, count)).ToJsonString());
                return ExitCode.Done;
            }

            var progress = new EvaluationProgress("bench");
            Console.WriteLine(
                Text(config, StepTimes.Measure(config, count, (done, total) => progress.Show("step", done, total)))
            );
            return ExitCode.Done;
        }));
        return command;
    }

    private static string Text(RunConfig config, StepTimes times) => string.Join(Environment.NewLine,
    [
        $"ResNet-{config.Encoder.Depth} of width {config.Encoder.Width}, views of {config.Views.Size}, batch " +
        $"{config.BatchSize}, {config.BnGroups} BN groups, "
            + $"{config.Method.Describe()}; {config.Device}, {config.Precision.Name()}, {config.Threads} torch threads",
        .. times.Phases.Select(phase =>
            string.Create(CultureInfo.InvariantCulture, $"{phase.Name, -16}{phase.Milliseconds, 10:F1} ms")),
        string.Create(
            CultureInfo.InvariantCulture,
            $"{"step", -16}{times.StepMilliseconds, 10:F1} ms, " +
            $"{config.BatchSize / times.StepMilliseconds * 1000:F1} images/s (views, of one core, and copy not counted)"
        ),
        string.Create(
            CultureInfo.InvariantCulture,
            $"{times.Rate / 1e9:F0} GFLOP/s in the step, {times.GemmRate / 1e9:F0} in torch.mm: " +
            $"{times.Rate / times.GemmRate:P0}"),
        string.Create(CultureInfo.InvariantCulture, $"{times.PeakBytes / 1e9:F2} GB of ")
            + (config.Device == "cpu" ? "memory at most" : "GPU memory in use"),
    ]);

    private static JsonObject Json(RunConfig config, StepTimes times) => new()
    {
        ["precision"] = config.Precision.Name(),
        ["bnGroups"] = config.BnGroups,
        ["threads"] = config.Threads,
        ["batchSize"] = config.BatchSize,
        ["phases"] = new JsonObject(
            times.Phases.Select(phase =>
                KeyValuePair.Create(phase.Name, (JsonNode?)Math.Round(phase.Milliseconds, 3)))),
        ["stepMilliseconds"] = Math.Round(times.StepMilliseconds, 2),
        ["imagesPerSecond"] = Math.Round(config.BatchSize / times.StepMilliseconds * 1000, 2),
        ["gigaflops"] = Math.Round(times.Rate / 1e9, 1),
        ["gemmGigaflops"] = Math.Round(times.GemmRate / 1e9, 1),
        ["peakBytes"] = times.PeakBytes,
    };
}
