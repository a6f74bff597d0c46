using System.CommandLine;
using System.Text.Json.Nodes;
using MoCoSharp.Cli.CommandLine;
using MoCoSharp.Cli.Progress;
using MoCoSharp.Data.Datasets;
using MoCoSharp.Distributed;
using MoCoSharp.Evaluation;
using MoCoSharp.Features;
using MoCoSharp.Optimization;
using static TorchSharp.torch;

namespace MoCoSharp.Cli.Commands;

/// <summary>moco linear: linear classification on a frozen encoder, by the official protocol or the fast one.</summary>
internal static class LinearCommand
{
    public static Command Create()
    {
        var target = new Argument<string>("run") { Description = "A run folder or a checkpoint." };
        var data = Options.Data("Labeled images to learn from; without it the run's own.");
        var validation = Options.Validation("Labeled images to judge by.");
        var fast = new Option<bool>("--fast")
        {
            Description =
                "On cached features, without augmentation, learning rate scanned: minutes instead of hours, another " +
                "protocol.",
        };
        var epochs = new Option<int?>("--epochs")
        {
            Description = "100 in the official protocol; x0.1 at 60 % and 80 % of them.",
        }.Number("a whole number above 0");
        var rate = new Option<double?>("--lr") { Description = "30 in the official protocol." }.Number(
            "a number above 0");
        var batch = new Option<int?>("--batch") { Description = "256 in the official protocol." }.Number(
            "a whole number above 0");
        var seed = Options.Seed("Fixes the classifier's weights, order and views.");
        var which = Options.Encoder();
        var prefix = EncoderTarget.PrefixOption();
        var output = new Option<string?>("-o", "--output")
        {
            HelpName = "file",
            Description = "Where the report goes; without it evaluations/ of the run.",
        };
        var verbose = Options.Verbose();
        var command = new Command(
            "linear",
            "Train a linear classifier on a frozen encoder, and judge it. Goes on where it was stopped.")
        {
            target, data, validation, fast, epochs, rate, batch, seed, which, prefix, output, verbose,
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
                .. options.Faults(),
                .. options.BatchSize % group.Size == 0
                    ? Array.Empty<string>()
                    : [$"--batch is {options.BatchSize}, which does not divide among {group.Size} processes."],
                .. parsed.GetValue(fast) && parsed.GetValue(rate) is not null
                    ? ["--lr with --fast: the fast protocol scans the learning rate. Leave one out."]
                    : Array.Empty<string>(),
            ];
            using var encoder = EncoderTarget.Open(
                parsed.GetValue(target)!, parsed.GetValue(which)!, faults, group.Size,
                parsed.GetValue(prefix));
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
                Console.Error.WriteLine("moco: stopped. The same command goes on after the last whole epoch.");
                return ExitCode.Stopped;
            }
        }));
        return command;
    }

    private static int Official(
        EncoderTarget encoder, LabeledData data, LinearOptions options, string? output, IProcessGroup group,
        CancellationToken cancellation)
    {
        var progress = new EvaluationProgress("linear");
        var trend = new TrendWarnings(
            options.Epochs,
            data.Train.ClassNames.Count,
            FormattableString.Invariant($"Try --lr {options.LearningRate / 10:G3}."));
        var probe = new LinearProbe(
            encoder.Encoder, data.Train, data.Test, encoder.Config.Views, options, encoder.Config.Loader,
            encoder.Device, group)
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
        var name = $"linear-{encoder.Which}-step-{encoder.Step:D8}-{Fingerprint.Compute(probe.Protocol)}";
        var state =
            !Processes.IsMain ? null
            : encoder.Run is { } run ? Path.Combine(run.Path, "evaluations", name + ".state.safetensors")
            : output is null ? null
            : Path.ChangeExtension(output, ".state.safetensors");
        var classifier = EvaluationOutput.ClassifierPath(encoder, name, output);
        probe.Trained = Keep(encoder, data, classifier, probe.Protocol);
        var result = probe.Run(state, cancellation);
        var report = EvaluationReport.Of("linear", probe.Protocol, result);
        if (trend.Trouble is { } trouble)
        {
            report["warning"] = trouble;
        }

        EvaluationOutput.Write(encoder, data, name, output, report, result.Scores);
        Console.WriteLine(
            FormattableString.Invariant(
                $"best epoch {result.Best.Epoch}: top-1 {100 * result.Best.Top1:F2} %, chosen by the images that judge, as the official script does"
            ));
        EvaluationOutput.TellClassifier(classifier);
        return ExitCode.Done;
    }

    private static Action<Tensor, Tensor>? Keep(
        EncoderTarget encoder, LabeledData data, string? path,
        string protocol) =>
        path is null
        ? null
        : (weight, bias) => ClassifierFile.Write(path, encoder.Trained, weight, bias, data.Train.ClassNames, protocol);

    /// <summary>Judges by the fast protocol, and writes the report.</summary>
    internal static int Fast(
        EncoderTarget encoder, LabeledData data, LinearOptions options, string? output, IProcessGroup group,
        CancellationToken cancellation, bool keepsClassifier = true)
    {
        var progress = new EvaluationProgress("linear, fast");
        using var train = Features(data.Train);
        using var judged = Features(data.Test);
        var probe = new CachedLinearProbe(options) { Progress = Console.WriteLine };
        var protocol =
            $"{probe.Protocol}; pooled features of the {encoder.Which} encoder, not normalised; evaluation view at " +
            $"{encoder.Config.Views.Size} px; "
            + $"trained on {data.Train.Description} ({data.Train.Count}), judged on {data.Test.Description} " +
                $"({data.Test.Count})";
        var name = $"linear-cached-{encoder.Which}-step-{encoder.Step:D8}-{Fingerprint.Compute(protocol)}";
        var classifier = keepsClassifier ? EvaluationOutput.ClassifierPath(encoder, name, output) : null;
        probe.Trained = Keep(encoder, data, classifier, protocol);
        var result = probe.Run(train, judged, data.Train.ClassNames, cancellation);
        var report = EvaluationReport.Of("linear-cached", protocol, result.Scores);
        report["learningRate"] = result.Rate;
        report["scan"] = Scan(result.Rates);
        report["logisticRegression"] = new JsonObject
        {
            ["top1"] = result.Optimum.Top1,
            ["c"] = result.Strength,
            ["converged"] = result.OptimumConverged,
            ["scan"] = Scan(result.Strengths),
        };
        EvaluationOutput.Write(encoder, data, name, output, report, result.Scores);
        Console.WriteLine(
            FormattableString.Invariant(
                $"learning rate {result.Rate}; upper check, logistic regression to its optimum (C {result.Strength}): top-1 {100 * result.Optimum.Top1:F2} %"
            ) + (result.OptimumConverged ? "" : ", not converged"));
        if (keepsClassifier)
        {
            EvaluationOutput.TellClassifier(classifier);
        }

        return ExitCode.Done;

        FeatureSet Features(IImageDataset images) =>
            encoder.Features(images, FeatureLayer.Pooled, progress, group, cancellation);
    }

    private static JsonArray Scan(IReadOnlyList<ScanPoint> points) =>
        [
            .. points.Select(point =>
                (JsonNode)
                    new JsonObject { ["value"] = point.Value, ["heldOutTop1"] = EvaluationReport.Number(point.HeldOut) }
            ),
        ];
}
