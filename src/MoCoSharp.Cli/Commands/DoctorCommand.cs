using System.CommandLine;
using MoCoSharp.Cli.CommandLine;
using MoCoSharp.Diagnostics;
using MoCoSharp.Runs;

namespace MoCoSharp.Cli.Commands;

/// <summary>moco doctor: prints what is wrong with a run, with evidence, cause and cure.</summary>
internal static class DoctorCommand
{
    public static Command Create()
    {
        var runPath = new Argument<string>("run") { Description = "A run folder." };
        var verbose = Options.Verbose();
        var command = new Command(
            "doctor",
            "Diagnose a run: what is wrong, why, and how to fix it. Exit code 1 if there is a problem.")
        {
            runPath,
            verbose,
        };
        command.SetAction(parsed =>
            ExitCode.Run(parsed.GetValue(verbose), () => Print(RunFolder.Open(parsed.GetValue(runPath)!))));
        return command;
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
