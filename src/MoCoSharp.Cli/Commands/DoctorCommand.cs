using System.CommandLine;
using MoCoSharp.Cli.CommandLine;
using MoCoSharp.Cli.Quality;
using MoCoSharp.Data;
using MoCoSharp.Diagnostics;
using MoCoSharp.Runs;

namespace MoCoSharp.Cli.Commands;

/// <summary>moco doctor: prints what is wrong with a run or with images, with evidence, cause and cure.</summary>
internal static class DoctorCommand
{
    public static Command Create()
    {
        var runPath = new Argument<string?>("run")
        {
            Description = "A run folder.",
            Arity = ArgumentArity.ZeroOrOne,
        };
        var data = Options.Data("Judge images instead of a run: a folder, a list file, a packed set, ...");
        var part = Options.Part();
        var output = new Option<string?>("-o", "--output")
        {
            HelpName = "file",
            Description = "With --data: write all findings: .json, .csv, or a gallery as .html.",
        };
        var force = Options.Force();
        var verbose = Options.Verbose();
        var command = new Command(
            "doctor",
            "Diagnose a run or images: what is wrong, why, and how to fix it. Exit code 1 if there is a problem.")
        {
            runPath,
            data,
            part,
            output,
            force,
            verbose,
        };
        command.Validators.Add(result =>
        {
            if (result.GetResult(runPath) is null or { Tokens.Count: 0 } && result.GetResult(data) is null)
            {
                result.AddError("<run> is missing. A run folder, or images: --data PHOTOS.");
            }
        });
        command.SetAction(parsed => ExitCode.Run(parsed.GetValue(verbose), () => Run(
            parsed.GetValue(runPath), parsed.GetValue(data), parsed.GetValue(part)!, parsed.GetValue(output),
            parsed.GetValue(force))));
        return command;
    }

    private static int Run(string? run, string? data, string part, string? output, bool force)
    {
        if (run is not null && data is not null)
        {
            throw new ConfigurationException([
                "doctor judges a run or images, not both: leave out the run folder or --data.",
            ]);
        }

        if (data is not null)
        {
            return DataDoctor.Judge(data, part, output, force);
        }

        if (output is not null)
        {
            throw new ConfigurationException(["-o requires --data: a run's diagnosis is printed."]);
        }

        return Directory.Exists(run) && !RunFolder.Exists(run)
            ? throw new IOException(
                $"{run} is not a run folder: it has no config.json. If it holds images, write " +
                $"`moco doctor --data {Shell.Quote(run)}`.")
            : Print(RunFolder.Open(run!));
    }

    private static int Print(RunFolder run)
    {
        var diagnosis = RunDiagnosis.Examine(run);
        var holder = diagnosis.Holder is { } name ? $"{name} is training there" : "no process is training there";
        Console.WriteLine($"{run.Path}: {holder}");
        foreach (var (checkpoint, fault) in diagnosis.Checkpoints)
        {
            Console.WriteLine($"{checkpoint}: {(fault is null ? "whole" : $"broken: {fault}")}");
        }

        PrintFigures(diagnosis);
        if (diagnosis.LeftOut is { } leftOut)
        {
            Console.WriteLine(leftOut);
        }

        foreach (var earlier in diagnosis.Earlier)
        {
            Console.WriteLine($"earlier, at step {earlier.Step}: {earlier.Finding} {earlier.Evidence}");
        }

        foreach (var found in diagnosis.Diagnoses)
        {
            Console.WriteLine();
            Console.WriteLine($"{found.Finding} (step {found.Step})");
            Console.WriteLine($"  evidence: {found.Evidence}");
            Console.WriteLine($"  cause: {found.Cause}");
            Console.WriteLine($"  cure: {found.Cure}");
        }

        foreach (var sentence in RunWorth.Read(run)?.Sentences ?? [])
        {
            Console.WriteLine(sentence);
        }

        if (diagnosis.IsSound)
        {
            Console.WriteLine(
                diagnosis.Latest is null ? "no figures yet."
                : diagnosis.NotYetLearned is { } notYet ? $"no problem found, but {notYet}"
                : "no problem found.");
        }

        return diagnosis.IsSound ? ExitCode.Done : ExitCode.Failed;
    }

    private static void PrintFigures(RunDiagnosis diagnosis)
    {
        if (diagnosis.Latest is { } latest)
        {
            Console.WriteLine(FormattableString.Invariant(
                $"step {latest.Step}, epoch {latest.Epoch}: loss {latest.Loss:F4}, ") + FormattableString.Invariant(
                $"contrast accuracy {latest.ContrastAccuracy:P1}, learning rate {latest.LearningRate:G3}"));
        }

        foreach (var (name, value, step, meaning) in diagnosis.Figures)
        {
            var at = step == diagnosis.Latest?.Step ? "" : $" at step {step}";
            Console.WriteLine(FormattableString.Invariant($"  {name,-19} {value,9:G4}{at}  {meaning}"));
        }

        if (diagnosis.FigureShare is { } share)
        {
            Console.WriteLine(FormattableString.Invariant(
                $"computing these figures takes {share:P2} of the time (median)"));
        }

        // While the queue fills, normal figures look like a problem.
        if (diagnosis.QueueFill is < 1)
        {
            Console.WriteLine(
                FormattableString.Invariant($"The queue is {diagnosis.QueueFill:P0} full. Until it is full, ") +
                "the loss rises and the contrast accuracy falls; both are normal. " +
                "Rules that use statistics wait until then.");
        }
    }
}
