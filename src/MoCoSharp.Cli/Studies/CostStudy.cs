using System.CommandLine;
using System.Diagnostics;
using System.Globalization;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using MoCoSharp.Cli.CommandLine;
using MoCoSharp.Methods;
using MoCoSharp.Runs;

namespace MoCoSharp.Cli.Studies;

/// <summary>
/// moco study cost: table 3 of MoCo v2 on this machine. Measures memory and time of a step by method and batch size,
/// each in a separate process.
/// </summary>
internal static class CostStudy
{
    private const int Chunk = 128; // images per BN group with the gradient cache

    private static readonly double[] Batches = [64, 128, 256, 512, 1024, 2048, 4096];

    private sealed record Cell(string Method, int Batch, RunConfig Config)
    {
        public string Name => $"{Method.Replace(' ', '-')}-{Batch}";
    }

    public static Command Create()
    {
        var recipe = new Argument<string>("recipe")
        {
            Description = "A recipe of MoCo: a file or the name of a shipped recipe.",
        }.CompletesRecipes();
        var folder = Options.Run("The study's folder. Without it, runs/cost-RECIPE.");
        var set = Options.Set("A setting that overrides the recipe: precision=fp32");
        var batches = new Option<string?>("--batches")
        {
            HelpName = "numbers",
            Description = $"Batch sizes instead of {string.Join(',', Batches)}, separated by commas.",
        };
        var only = Options.Only("Only these methods: moco, end-to-end, simclr, simclr-cached, separated by commas.");
        var steps = Options.MeasuredSteps();
        var verbose = Options.Verbose();
        var command = new Command(
            "cost",
            "Measure memory and time of a step by method and batch size, each in a separate process. Nothing is " +
            "extrapolated.")
        {
            recipe, folder, set, batches, only, steps, verbose,
        };
        command.SetAction(parsed => ExitCode.Run(parsed.GetValue(verbose), () =>
        {
            var faults = new List<string>();
            var named = parsed.GetValue(recipe)!;
            var config = Recipes.TryLoad(named, parsed.GetValue(set)!, faults);
            if (config is { MoCo: null })
            {
                faults.Add($"{named} is a recipe of {config.Method.Name}, expected a recipe of MoCo.");
            }

            if (parsed.GetValue(steps) < 1)
            {
                faults.Add($"--steps is {parsed.GetValue(steps)}, expected a number above 0.");
            }

            var sizes = StudyCommand.Numbers("--batches", parsed.GetValue(batches), Batches, whole: true, faults);
            var unknown = Only(parsed.GetValue(only))
                .Except(["moco", "end-to-end", "simclr", "simclr-cached"])
                .ToList();
            if (unknown.Count > 0)
            {
                faults.Add($"--only {string.Join(", ", unknown)}: expected moco, end-to-end, simclr or simclr-cached.");
            }

            var cells =
                faults.Count > 0
                    ? []
                    : Cells(config!, sizes)
                        .Where(cell =>
                            parsed.GetValue(only) is not { } text || Only(text).Contains(cell.Method))
                        .ToList();
            faults.AddRange(
                cells.SelectMany(cell => cell.Config.Validate().Select(fault => $"cell {cell.Name}: {fault}")));
            if (faults.Count > 0)
            {
                throw new ConfigurationException(faults);
            }

            var path =
                parsed.GetValue(folder)
                ?? Path.Combine("runs", $"cost-{Path.GetFileNameWithoutExtension(named)}");
            Directory.CreateDirectory(path);
            using var signals = new StopSignals();
            return Run(
                path,
                $"cost of a step: {Path.GetFileNameWithoutExtension(named)}",
                cells,
                parsed.GetValue(steps),
                signals.Token);
        }));
        return command;
    }

    private static string[] Only(string? text) =>
        text?.Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries) ?? [];

    private static List<Cell> Cells(RunConfig recipe, IReadOnlyList<double> sizes)
    {
        var moco = recipe.MoCo!;
        return
        [
            .. sizes.Select(size => (int)size).SelectMany(batch => (Cell[])
            [
                new("moco", batch, recipe with { BatchSize = batch }),
                new(
                    "end-to-end",
                    batch,
                    (recipe with { BatchSize = batch }).With(
                        new EndToEndOptions { Dimension = moco.Dimension, Temperature = moco.Temperature })
                ),
                new(
                    "simclr",
                    batch,
                    (recipe with { BatchSize = batch, BnGroups = 1 }).With(
                        new SimClrOptions { Dimension = moco.Dimension })),
                new(
                    "simclr-cached",
                    batch,
                    (recipe with { BatchSize = batch, BnGroups = Math.Max(1, batch / Chunk) }).With(
                        new SimClrOptions { Dimension = moco.Dimension, GradientCache = true })),
            ]),
        ];
    }

    private static int Run(string folder, string title, IReadOnlyList<Cell> cells, int steps, CancellationToken stop)
    {
        foreach (var (number, cell) in cells.Index())
        {
            var result = Path.Combine(folder, cell.Name + ".result.json");
            Console.WriteLine(
                $"-- cost: cell {number + 1} of {cells.Count}, " +
                $"{cell.Name}{(File.Exists(result) ? ": done before" : "")}");
            if (!File.Exists(result))
            {
                var recipe = Path.Combine(folder, cell.Name + ".json");
                StudyTable.Put(folder, cell.Name + ".json", cell.Config.ToJson());
                var (code, output, error) = Bench(recipe, steps, stop);
                if (stop.IsCancellationRequested)
                {
                    Console.Error.WriteLine("moco: stopped. The same command continues.");
                    return ExitCode.Stopped;
                }

                // A process that the system killed for its memory leaves no output; record that as a result.
                StudyTable.Put(
                    folder,
                    cell.Name + ".result.json",
                    code == 0
                        ? output
                        : new JsonObject { ["failed"] = $"exit code {code}", ["message"] = error }.ToJsonString());
            }

            StudyTable.Put(folder, "table.md", Table(title, cells, folder));
            StudyTable.Put(folder, "table.csv", Csv(cells, folder));
            StudyTable.Put(
                folder,
                "plot.svg",
                StudyPlot.Draw(
                    title, "", "images in a batch", "Peak memory of the process in GB",
                    Found(cells, folder)
                        .Where(item => item.Bytes is not null)
                        .Select(item => PlotPoint.Of(
                            item.Cell.Method, $"{item.Cell.Batch}", [item.Bytes!.Value / 1e9]))));
        }

        Console.WriteLine(Table(title, cells, folder));
        return ExitCode.Done;
    }

    private static (int Code, string Output, string Error) Bench(string recipe, int steps, CancellationToken stop)
    {
        var program = Environment.ProcessPath!;
        var start = new ProcessStartInfo(program)
        {
            UseShellExecute = false,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        if (Path.GetFileNameWithoutExtension(program) == "dotnet")
        {
            start.ArgumentList.Add(Path.Combine(AppContext.BaseDirectory, "moco.dll"));
        }

        foreach (var argument in (string[])["bench", "step", recipe, "--steps", $"{steps}", "--json"])
        {
            start.ArgumentList.Add(argument);
        }

        using var process = Process.Start(start)!;
        using var ending = stop.Register(() => process.Kill());
        var error = process.StandardError.ReadToEndAsync(CancellationToken.None);
        var output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        return (process.ExitCode, output, error.Result.Trim());
    }

    private static IEnumerable<(Cell Cell, double? Bytes, double? Milliseconds, string? Failed)> Found(
        IEnumerable<Cell> cells,
        string folder)
    {
        foreach (var cell in cells)
        {
            var path = Path.Combine(folder, cell.Name + ".result.json");
            JsonNode? result = null;
            try
            {
                result = File.Exists(path) ? JsonNode.Parse(File.ReadAllText(path)) : null;
            }
            catch (JsonException)
            {
                // Reported as failed.
            }

            yield return (
                cell, (double?)result?["peakBytes"], (double?)result?["stepMilliseconds"],
                File.Exists(path) ? (string?)result?["failed"] ?? (result is null ? "unreadable" : null) : null);
        }
    }

    private static string Table(string title, IReadOnlyList<Cell> cells, string folder)
    {
        var methods = cells.Select(cell => cell.Method).Distinct().ToList();
        var found = Found(cells, folder).ToDictionary(item => item.Cell.Name, StringComparer.Ordinal);
        var text = new StringBuilder(
            $"# {title}\n\n| batch | {string.Join(" | ", methods)} " +
            $"|\n|---:|{string.Concat(Enumerable.Repeat("---:|", methods.Count))}\n");
        foreach (var row in cells.GroupBy(cell => cell.Batch))
        {
            text.Append(
                CultureInfo.InvariantCulture,
                $"| {row.Key} | {string.Join(" | ", row.Select(cell => Shown(found[cell.Name])))} |\n");
        }

        return text.Append(
                CultureInfo.InvariantCulture,
                $"\nPeak memory of the process, and the median of a step without views, on generated images. simclr " +
                $"has global BatchNorm, simclr-cached the gradient cache with groups of {Chunk}.\n")
            .ToString();

        static string Shown((Cell Cell, double? Bytes, double? Milliseconds, string? Failed) item) =>
            item.Failed
            ?? (
                item.Bytes is null
                    ? ""
                    : string.Create(
                        CultureInfo.InvariantCulture,
                        $"{item.Bytes / 1e9:F2} GB, {item.Milliseconds / 1000:F2} s, " +
                        $"{item.Cell.Batch / item.Milliseconds * 1000:F0} images/s"));
    }

    private static string Csv(IReadOnlyList<Cell> cells, string folder) =>
        "method,batch,peakBytes,stepMilliseconds,failed\n"
        + string.Concat(
            Found(cells, folder)
        .Where(item => item.Bytes is not null || item.Failed is not null)
        .Select(item =>
            FormattableString.Invariant(
                $"{item.Cell.Method},{item.Cell.Batch},{item.Bytes},{item.Milliseconds},{item.Failed}\n")));
}
