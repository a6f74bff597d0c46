using System.CommandLine;
using MoCoSharp.Cli.CommandLine;
using MoCoSharp.Cli.Progress;
using MoCoSharp.Distributed;
using MoCoSharp.Evaluation;

namespace MoCoSharp.Cli.Commands;

/// <summary>
/// moco linear: trains a linear classifier on a frozen encoder, by the official or the fast protocol.
/// </summary>
internal static class LinearCommand
{
    public static Command Create()
    {
        var target = new Argument<string>("run") { Description = "A run folder or a checkpoint." };
        var data = Options.Data("Labeled training images. Without it, those of the run.");
        var validation = Options.Validation("Labeled test images. Without it, the test part of the source.");
        var fast = new Option<bool>("--fast")
        {
            Description =
                "Use features that are computed once, and scan the learning rate. Takes minutes instead of " +
                "hours; not the official protocol.",
        };
        var epochs = new Option<int?>("--epochs")
        {
            Description = "Number of epochs; default 100. The learning rate drops to a tenth at 60 % and at 80 %.",
        }.Number("a whole number above 0");
        var rate = new Option<double?>("--lr") { Description = "Learning rate; default 30." }.Number(
            "a number above 0");
        var batch = new Option<int?>("--batch") { Description = "Images per step; default 256." }.Number(
            "a whole number above 0");
        var seed = Options.Seed("Seed of the classifier's weights, the order and the views.");
        var flags = new EncoderFlags();
        var output = new Option<string?>("-o", "--output")
        {
            HelpName = "file",
            Description = "The report file. Without it, a file in evaluations/ of the run.",
        };
        var verbose = Options.Verbose();
        var command = new Command(
            "linear",
            "Train a linear classifier on a frozen encoder, and evaluate it. Continues a stopped training.")
        {
            target, data, validation, fast, epochs, rate, batch, seed, flags.Which, flags.Prefix,
            flags.Size, flags.Device, output, verbose,
        };
        command.SetAction(parsed => Processes.Run(parsed.GetValue(verbose), group =>
        {
            var official = new LinearOptions();
            var options = (official with
            {
                LearningRate = parsed.GetValue(rate) ?? official.LearningRate,
                BatchSize = parsed.GetValue(batch) ?? official.BatchSize,
                Seed = parsed.GetValue(seed) ?? official.Seed,
            }).Over(parsed.GetValue(epochs) ?? official.Epochs);
            string[] faults =
            [
                .. options.Validate(),
                .. options.BatchSize % group.Size == 0
                    ? Array.Empty<string>()
                    : [$"--batch is {options.BatchSize}, expected a multiple of the {group.Size} processes."],
                .. parsed.GetValue(fast) && parsed.GetValue(rate) is not null
                    ? ["--lr with --fast: the fast protocol scans the learning rate. Leave one out."]
                    : Array.Empty<string>(),
            ];
            using var encoder = EncoderTarget.Open(flags.Of(parsed, parsed.GetValue(target)!), faults, group);
            var labeled = LabeledData.Open(encoder, parsed.GetValue(data), parsed.GetValue(validation), faults);
            using var signals = new StopSignals();
            try
            {
                return parsed.GetValue(fast)
                    ? Fast(encoder, labeled, options, parsed.GetValue(output), group, signals.Token)
                    : Official(encoder, labeled, options, parsed.GetValue(output), group, signals.Token);
            }
            catch (OperationCanceledException)
            {
                Console.Error.WriteLine(parsed.GetValue(fast)
                    ? "moco: stopped. The same command starts again, from the stored features if they are complete."
                    : "moco: stopped. The same command continues after the last complete epoch.");
                return ExitCode.Stopped;
            }
        }));
        return command;
    }

    private static int Official(
        EncoderTarget encoder, LabeledData data, LinearOptions options, string? output, IProcessGroup group,
        CancellationToken cancellation)
    {
        var evaluator = encoder.Evaluator(
            data, output, group, new EvaluationProgress("linear"), options.Epochs,
            cure: FormattableString.Invariant($"Try --lr {options.LearningRate / 10:G3}."));
        var report = evaluator.Linear(options, cancellation);
        EvaluationOutput.Print(report);
        EvaluationOutput.PrintBest(report, ", as the official script does");
        EvaluationOutput.PrintClassifier(report);
        return EvaluationOutput.PrintUnwritten(report);
    }

    /// <summary>Evaluates by the fast protocol, and prints the report.</summary>
    internal static int Fast(
        EncoderTarget encoder, LabeledData data, LinearOptions options, string? output, IProcessGroup group,
        CancellationToken cancellation, bool keepsClassifier = true)
    {
        var evaluator = encoder.Evaluator(
            data, output, group, new EvaluationProgress("linear, fast"), keepsClassifier: keepsClassifier);
        var report = evaluator.LinearOnCachedFeatures(options, cancellation);
        EvaluationOutput.Print(report);
        var optimum = report.Optimum!.Value;
        Console.WriteLine(
            FormattableString.Invariant($"learning rate {report.LearningRate}; for comparison, ") +
            FormattableString.Invariant($"logistic regression (C {optimum.C}): ") +
            FormattableString.Invariant($"top-1 {100 * optimum.Top1:F2} %") +
            (optimum.Converged ? "" : ", not converged"));
        if (keepsClassifier)
        {
            EvaluationOutput.PrintClassifier(report);
        }

        return EvaluationOutput.PrintUnwritten(report);
    }
}
