using System.CommandLine;
using System.Text.Json;
using System.Text.Json.Nodes;
using MoCoSharp.Cli.CommandLine;
using MoCoSharp.Diagnostics;
using MoCoSharp.Optimization;
using MoCoSharp.PyTorch;
using MoCoSharp.Runs;

namespace MoCoSharp.Cli.Commands;

/// <summary>moco doctor: what is wrong with a run, with evidence, cause and cure. It only reads.</summary>
internal static class DoctorCommand
{
    public static Command Create()
    {
        var runPath = new Argument<string>("run") { Description = "A run folder." };
        var verbose = Options.Verbose();
        var command = new Command(
            "doctor",
            "Read a run folder, and say what is wrong with it. Exit code 1 where something is.")
        {
            runPath,
            verbose,
        };
        command.SetAction(parsed =>
            ExitCode.Run(parsed.GetValue(verbose), () => Examine(RunFolder.Open(parsed.GetValue(runPath)!))));
        return command;
    }

    private static int Examine(RunFolder run)
    {
        var config = run.ReadConfig();
        var metrics = File.Exists(run.MetricsPath) ? MetricsLog.Read(run.MetricsPath).ToList() : [];
        Console.WriteLine(
            $"{run.Path}: {(run.Holder() is { } holder ? $"{holder} trains there" : "nobody trains there")}");
        var broken = Checkpoints(run);
        var lines = metrics.Select(HealthLine.From).OfType<HealthLine>().ToList();
        Figures(lines);
        var shares = metrics.Select(line => (double?)line["healthShare"]).OfType<double>().Order().ToList();
        if (shares.Count > 0)
        {
            Console.WriteLine(
                FormattableString.Invariant(
                    $"taking these figures took {shares[shares.Count / 2]:P2} of the time (median)"));
        }

        Phase(lines);
        var leftOut = LeftOut.Sum(metrics);
        if (leftOut is not null)
        {
            Console.WriteLine($"{leftOut.Describe()}, the last by step {leftOut.Step}");
        }

        var verdicts = Verdicts.Of(config, Images(run), lines).ToList();
        if (Diverged(run) is { } diverged)
        {
            verdicts.Insert(0, diverged);
        }

        if (TooMany(leftOut, config, metrics) is { } missing)
        {
            verdicts.Add(missing);
        }

        // What was told while it trained, and does not hold any more, is still worth knowing.
        foreach (
            var line in metrics.Where(line =>
                line.ContainsKey("verdict") && verdicts.All(verdict => verdict.Id != (string?)line["verdict"])))
        {
            Console.WriteLine($"earlier, at step {line["step"]}: {line["finding"]} {line["evidence"]}");
        }

        foreach (var verdict in verdicts)
        {
            Console.WriteLine();
            Console.WriteLine($"{verdict.Finding} (step {verdict.Step})");
            Console.WriteLine($"  evidence: {verdict.Evidence}");
            Console.WriteLine($"  cause: {verdict.Cause}");
            Console.WriteLine($"  cure: {verdict.Cure}");
        }

        if (verdicts.Count == 0 && !broken)
        {
            Console.WriteLine(lines.Count == 0 ? "nothing to judge by yet."
                : Learning.NotYet(config, lines, [.. metrics.Select(line => (double?)line["knn"]).OfType<double>()])
                    is { } notYet
                    ? $"nothing wrong is seen, but {notYet}"
                : "nothing wrong is seen.");
        }

        return verdicts.Count == 0 && !broken ? ExitCode.Done : ExitCode.Failed;
    }

    // Others stood in for them: a tenth of all turns is no longer the set that was meant.
    private static Verdict? TooMany(LeftOut? leftOut, RunConfig config, List<JsonObject> metrics)
    {
        const double many = 0.1;
        var steps = metrics.Select(line => (long)line["step"]!).DefaultIfEmpty().Max();
        var share =
            leftOut is null || steps == 0
                ? 0
                : (leftOut.BrokenTurns + leftOut.UnreadableTurns) / (double)(steps * config.BatchSize);
        return share < many ? null : new Verdict(
            "images", steps, "Many images are left out.",
            FormattableString.Invariant($"{share:P0} of the turns went to other images."),
            leftOut!.UnreadableTurns > leftOut.BrokenTurns
                ? "Disk or network could not give them."
                : "They are no images that can be read.",
            "See what is said of them on stderr; mend or remove them, or bring the disk back.");
    }

    private static bool Checkpoints(RunFolder run)
    {
        var broken = false;
        foreach (var path in run.Checkpoints())
        {
            try
            {
                using var stream = File.OpenRead(path);
                var whole = Checksum.Verify(stream, path);
                Console.WriteLine($"{Path.GetFileName(path)}: {(whole ? "whole" : "broken: it has no checksum")}");
                broken |= !whole;
            }
            catch (InvalidDataException error)
            {
                Console.WriteLine($"{Path.GetFileName(path)}: broken: {error.Message}");
                broken = true;
            }
            catch (FileNotFoundException)
            {
                // The run trains on, and this one has had its time.
            }
        }

        return broken;
    }

    private static void Figures(List<HealthLine> lines)
    {
        if (lines.LastOrDefault() is not { } last)
        {
            return;
        }

        Console.WriteLine(
            FormattableString.Invariant(
                $"step {last.Step}, epoch {last.Epoch}: loss {last.Loss:F4}, contrast accuracy {last.ContrastAccuracy:P1}, learning rate {last.LearningRate:G3}"
            ));
        foreach (var figure in HealthFigure.All)
        {
            // The probe looks less often than the rest.
            if (
                lines
                    .Select(line => (line.Step, Value: figure.Value(line.Figures)))
                    .LastOrDefault(item => item.Value is not null) is
                { Value: { } value } found)
            {
                Console.WriteLine(
                    FormattableString.Invariant(
                        $"  {figure.Name, -19} {value, 9:G4}{(found.Step == last.Step ? "" : $" at step {found.Step}")}  {figure.Meaning}"
                    ));
            }
        }
    }

    // The one thing that looks wrong and is not.
    private static void Phase(List<HealthLine> lines)
    {
        if (lines.LastOrDefault() is { Figures.QueueFill: < 1 } last)
        {
            Console.WriteLine(FormattableString.Invariant(
                $"The queue is {last.Figures.QueueFill:P0} full: until it is, the loss rises and the contrast accuracy falls, as they should, and only what needs no statistics is judged."
            ));
        }
    }

    private static int Images(RunFolder run)
    {
        foreach (var path in run.Checkpoints())
        {
            try
            {
                if (
                    int.TryParse(SafeTensors.ReadHeader(path).Metadata.GetValueOrDefault("data.images"), out var images)
                )
                {
                    return images;
                }
            }
            catch (Exception error) when (error is InvalidDataException or IOException)
            {
                // Told above.
            }
        }

        return int.MaxValue;
    }

    private static Verdict? Diverged(RunFolder run)
    {
        if (!File.Exists(run.DivergedPath))
        {
            return null;
        }

        try
        {
            var told = JsonNode.Parse(File.ReadAllText(run.DivergedPath))!.AsObject();
            var images = told["images"]!.AsArray().Select(name => (string)name!).ToList();
            return new Verdict(
                "diverged", (long)told["step"]!, $"The loss is {told["loss"]}: the run has ended.",
                $"First bad tensor: {told["firstBadTensor"]}; last good loss {told["lastGoodLoss"]} at step " +
                $"{told["lastGoodStep"]}, learning rate {told["learningRate"]}. "
                    + "The batch: " +
                        $"{string.Join(", ", images.Take(5))}{(images.Count > 5 ? $" and {images.Count - 5} more in diverged.json" : "")}.",
                "Most often a learning rate that is too high, or grows too fast at the start.",
                $"moco pretrain --resume-with-changes --run {Data.Shell.Quote(run.Path)} --set " +
                $"optimizer.learningRate=... goes on from {told["checkpoint"] ?? "the beginning"}.");
        }
        catch (Exception error)
            when (error is JsonException or InvalidOperationException or NullReferenceException or FormatException)
        {
            throw new InvalidDataException($"{run.DivergedPath}: cannot be read: {error.Message}", error);
        }
    }
}
