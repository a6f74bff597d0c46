using System.CommandLine;
using MoCoSharp.Cli.CommandLine;
using MoCoSharp.Cli.Progress;
using MoCoSharp.Evaluation;

namespace MoCoSharp.Cli.Commands;

/// <summary>moco finetune: the whole encoder trained on some or all labels.</summary>
internal static class FinetuneCommand
{
    public static Command Create()
    {
        var target = new Argument<string>("run") { Description = "A run folder or a checkpoint." };
        var data = Options.Data("Labeled images to learn from; without it the run's own.");
        var validation = Options.Validation("Labeled images to judge by.");
        var labels = new Option<string>("--labels")
        {
            HelpName = "share|file",
            Description = "1%, 10%, 100% of every class, or a file that names the images, one a line.",
            DefaultValueFactory = _ => "100%",
        };
        var scratch = Options.FromScratch("Random weights of the same architecture, to compare with.");
        var epochs = new Option<int?>("--epochs")
        {
            Description = "20; both rates x0.2 at 60 % and 80 % of them.",
        }.Number("a whole number above 0");
        var rate = new Option<double?>("--lr") { Description = "Of the encoder; 0.01." }.Number("a number, 0 or more");
        var headRate = new Option<double?>("--head-lr") { Description = "Of the classifier; 0.2." }.Number(
            "a number above 0");
        var batch = new Option<int?>("--batch") { Description = "256." }.Number("a whole number, 2 or more");
        var seed = Options.Seed("Fixes the share of labels, the classifier's weights, order and views.");
        var which = Options.Encoder();
        var prefix = EncoderTarget.PrefixOption();
        var output = new Option<string?>("-o", "--output")
        {
            HelpName = "file",
            Description = "Where the report goes; without it evaluations/ of the run.",
        };
        var verbose = Options.Verbose();
        var command = new Command(
            "finetune",
            "Train the whole encoder on labels, and judge it. Goes on where it was stopped.")
        {
            target, data, validation, labels, scratch, epochs, rate, headRate, batch, seed, which, prefix, output,
            verbose,
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
            }).Over(parsed.GetValue(epochs) ?? published.Epochs);
            var share = Share(parsed.GetValue(labels)!);
            string[] faults = [.. options.Faults(), .. share.Fault is { } fault ? [fault] : Array.Empty<string>()];
            using var encoder = EncoderTarget.Open(
                parsed.GetValue(target)!, parsed.GetValue(which)!, faults,
                prefix: parsed.GetValue(prefix));
            var labeled = LabeledData.Open(encoder, parsed.GetValue(data), parsed.GetValue(validation), faults);
            var indices = share.Part is { } part
                ? LabelSubset.Stratified(labeled.Train, part, options.Seed)
                : LabelSubset.FromList(labeled.Train, parsed.GetValue(labels)!);
            using var signals = new StopSignals();
            try
            {
                return Run(
                    encoder, labeled, indices, parsed.GetValue(scratch), options, parsed.GetValue(output),
                    signals.Token);
            }
            catch (OperationCanceledException)
            {
                Console.Error.WriteLine("moco: stopped. The same command goes on after the last whole epoch.");
                return ExitCode.Stopped;
            }
        }));
        return command;
    }

    private static int Run(
        EncoderTarget encoder, LabeledData data, int[] indices, bool scratch, FineTuningOptions options,
        string? output, CancellationToken cancellation)
    {
        var progress = new EvaluationProgress(scratch ? "from scratch" : "fine-tuning");
        var trend = new TrendWarnings(
            options.Epochs,
            data.Train.ClassNames.Count,
            FormattableString.Invariant(
                $"Try --lr {options.EncoderLearningRate / 10:G3} --head-lr {options.HeadLearningRate / 10:G3}."));
        var tuning = new FineTuning(
            encoder.Config.Encoder, scratch ? null : encoder.Encoder, data.Train, indices, data.Test,
            encoder.Config.Views, options, encoder.Config.Loader, encoder.Device)
        {
            Progress = (done, total) => progress.Show("images of the epoch", done, total),
            EpochDone = epoch =>
            {
                EvaluationProgress.ShowEpoch(epoch, options.Epochs);
                trend.Look(epoch);
            },
            BadImageFound = progress.Show,
            Warned = text => Console.Error.WriteLine($"moco: warning: {text}"),
        };
        var kind = scratch ? "scratch" : "finetune";
        var name = $"{kind}-{encoder.Which}-step-{encoder.Step:D8}-{Fingerprint.Compute(tuning.Protocol)}";
        var stem =
            encoder.Run is { } run ? Path.Combine(run.Path, "evaluations", name)
            : output is null ? null
            : Path.ChangeExtension(output, null);
        if (stem is not null)
        {
            Directory.CreateDirectory(Path.GetDirectoryName(Path.GetFullPath(stem))!);
            LabelSubset.Save(data.Train, indices, stem + ".labels.txt");
        }

        var classifier = EvaluationOutput.ClassifierPath(encoder, name, output);
        if (classifier is not null)
        {
            tuning.Trained = trained =>
                ClassifierFile.Write(classifier, encoder.Trained, trained, data.Train.ClassNames, tuning.Protocol);
        }

        var result = tuning.Run(stem is null ? null : stem + ".state.safetensors", cancellation);
        var report = EvaluationReport.Of(kind, tuning.Protocol, result);
        if (trend.Trouble is { } trouble)
        {
            report["warning"] = trouble;
        }

        EvaluationOutput.Write(encoder, data, name, output, report, result.Scores);
        Console.WriteLine(
            FormattableString.Invariant(
                $"best epoch {result.Best.Epoch}: top-1 {100 * result.Best.Top1:F2} %, chosen by the images that judge")
        );
        EvaluationOutput.TellClassifier(classifier);
        return ExitCode.Done;
    }

    // "10%" is a share of every class; anything else is the name of a list.
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
