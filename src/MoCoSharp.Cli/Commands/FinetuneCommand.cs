using System.CommandLine;
using MoCoSharp.Cli.CommandLine;
using MoCoSharp.Cli.Progress;
using MoCoSharp.Distributed;
using MoCoSharp.Evaluation;

namespace MoCoSharp.Cli.Commands;

/// <summary>moco finetune: trains the whole encoder on some or all labels.</summary>
internal static class FinetuneCommand
{
    public static Command Create()
    {
        var target = new Argument<string>("run") { Description = "A run folder or a checkpoint." };
        var data = Options.Data("Labeled training images. Without it, those of the run.");
        var validation = Options.Validation("Labeled test images. Without it, the test part of the source.");
        var labels = new Option<string>("--labels")
        {
            HelpName = "share|file",
            Description = "1%, 10%, 100% of every class, or a file that names the images, one per line.",
            DefaultValueFactory = _ => "100%",
        };
        var scratch = Options.FromScratch("Start from random weights of the same architecture, for comparison.");
        var epochs = new Option<int?>("--epochs")
        {
            Description = "Number of epochs; default 20. Both learning rates drop to a fifth at 60 % and at 80 %.",
        }.Number("a whole number above 0");
        var rate = new Option<double?>("--lr")
        {
            Description = "Learning rate of the encoder; default 0.01.",
        }.Number("a number, 0 or more");
        var headRate = new Option<double?>("--head-lr")
        {
            Description = "Learning rate of the classifier; default 0.2.",
        }.Number("a number above 0");
        var batch = new Option<int?>("--batch")
        {
            Description = "Images per step; default 256.",
        }.Number("a whole number, 2 or more");
        var seed = Options.Seed("Seed of the label share, the classifier's weights, the order and the views.");
        var flags = new EncoderFlags();
        var output = new Option<string?>("-o", "--output")
        {
            HelpName = "file",
            Description = "The report file. Without it, a file in evaluations/ of the run.",
        };
        var verbose = Options.Verbose();
        var command = new Command(
            "finetune",
            "Train the whole encoder on labels, and evaluate it. Continues a stopped training.")
        {
            target, data, validation, labels, scratch, epochs, rate, headRate, batch, seed, flags.Which,
            flags.Prefix, flags.Size, flags.Device, output, verbose,
        };
        command.SetAction(parsed => ExitCode.Run(parsed.GetValue(verbose), () =>
        {
            var published = new FineTuningOptions();
            var options = (published with
            {
                EncoderLearningRate = parsed.GetValue(rate) ?? published.EncoderLearningRate,
                HeadLearningRate = parsed.GetValue(headRate) ?? published.HeadLearningRate,
                BatchSize = parsed.GetValue(batch) ?? published.BatchSize,
                Seed = parsed.GetValue(seed) ?? published.Seed,
                FromScratch = parsed.GetValue(scratch),
            }).Over(parsed.GetValue(epochs) ?? published.Epochs);
            var share = Share(parsed.GetValue(labels)!);
            options = share.Part is { } part
                ? options with { LabelShare = part }
                : options with { LabelList = parsed.GetValue(labels) };
            string[] faults = [.. options.Validate(), .. share.Fault is { } fault ? [fault] : Array.Empty<string>()];
            using var encoder = EncoderTarget.Open(flags.Of(parsed, parsed.GetValue(target)!), faults);
            var labeled = LabeledData.Open(encoder, parsed.GetValue(data), parsed.GetValue(validation), faults);
            using var signals = new StopSignals();
            try
            {
                return Run(encoder, labeled, options, parsed.GetValue(output), signals.Token);
            }
            catch (OperationCanceledException)
            {
                Console.Error.WriteLine("moco: stopped. The same command continues after the last complete epoch.");
                return ExitCode.Stopped;
            }
        }));
        return command;
    }

    private static int Run(
        EncoderTarget encoder, LabeledData data, FineTuningOptions options, string? output,
        CancellationToken cancellation)
    {
        var (rate, headRate) = (options.EncoderLearningRate / 10, options.HeadLearningRate / 10);
        var evaluator = encoder.Evaluator(
            data, output, SingleProcess.Instance,
            new EvaluationProgress(options.FromScratch ? "from scratch" : "fine-tuning"), options.Epochs,
            cure: FormattableString.Invariant($"Try --lr {rate:G3} --head-lr {headRate:G3}."));
        var report = evaluator.FineTune(options, cancellation);
        EvaluationOutput.Print(report);
        EvaluationOutput.PrintBest(report);
        EvaluationOutput.PrintClassifier(report);
        return EvaluationOutput.PrintUnwritten(report);
    }

    // "10%" is a share of every class; anything else is the path of a list.
    private static (double? Part, string? Fault) Share(string text)
    {
        if (!text.EndsWith('%'))
        {
            return (
                null,
                File.Exists(text)
                    ? null
                    : $"--labels is {text}: there is no such file. Expected a share such as 10%, or a list of images.");
        }

        return
            double.TryParse(text[..^1], System.Globalization.CultureInfo.InvariantCulture, out var percent)
            && percent is > 0 and <= 100
            ? (percent / 100, null)
            : (1, $"--labels is {text}, expected above 0% and at most 100%.");
    }
}
