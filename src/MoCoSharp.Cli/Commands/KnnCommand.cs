using System.CommandLine;
using MoCoSharp.Cli.CommandLine;
using MoCoSharp.Cli.Progress;
using MoCoSharp.Data;
using MoCoSharp.Distributed;
using MoCoSharp.Features;
using MoCoSharp.Models;
using MoCoSharp.Runs;

namespace MoCoSharp.Cli.Commands;

/// <summary>moco knn: evaluates a run or a file by the labels of nearest neighbors.</summary>
internal static class KnnCommand
{
    public static Command Create()
    {
        var target = new Argument<string>("run")
        {
            Description = "A run folder, a checkpoint, an exported encoder, or a PyTorch file.",
        };
        var data = Options.Data("Labeled images to find neighbors in; without it the run's own.");
        var validation = Options.Validation("Labeled images to test on.");
        var protocol = new Option<string?>("--protocol")
        {
            Description = $"{string.Join(" or ", KnnOptions.Protocols)}; without it the run's own settings.",
        }.Offers([.. KnnOptions.Protocols]);
        var neighbors = new Option<int?>("-k", "--neighbors") { Description = "Neighbors." }.Number(
            "a whole number above 0");
        var neighborsOld = new Option<int?>("--neighbours") { Hidden = true }.Number("a whole number above 0");
        var temperature = new Option<double?>("--temperature")
        {
            Description = "Of the weights exp(similarity / temperature).",
        }.Number("a number above 0");
        var layer = new Option<string?>("--layer") { Description = "pooled or head." }.Offers("pooled", "head");
        var which = Options.Encoder();
        var prefix = EncoderTarget.PrefixOption();
        var device = Options.EncoderDevice();
        var output = new Option<string?>("-o", "--output")
        {
            HelpName = "file",
            Description = "Where the report goes; without it evaluations/ of the run.",
        };
        var verbose = Options.Verbose();
        var command = new Command("knn", "Score an encoder with a kNN classifier.")
        {
            target, data, validation, protocol, neighbors, neighborsOld, temperature, layer, which, prefix, device,
            output, verbose,
        };
        command.SetAction(parsed => Processes.Run(parsed.GetValue(verbose), group =>
        {
            var faults = new List<string>();
            var named = parsed.GetValue(protocol);
            if (named is not null && !KnnOptions.Protocols.Contains(named))
            {
                faults.Add($"--protocol is {named}, expected {string.Join(" or ", KnnOptions.Protocols)}.");
            }

            var layerNamed = parsed.GetValue(layer);
            var own = (
                parsed.GetValue(neighbors) ?? parsed.GetValue(neighborsOld),
                parsed.GetValue(temperature),
                EnumNames.Find<FeatureLayer>(layerNamed));
            if (layerNamed is not null && own.Item3 is null)
            {
                faults.Add($"--layer is {layerNamed}, expected {EnumNames.Expected(typeof(FeatureLayer))}.");
            }

            if (parsed.GetValue(neighbors) is not null && parsed.GetValue(neighborsOld) is not null)
            {
                faults.Add("--neighbours is the old spelling of --neighbors. Give only one of them.");
            }

            if (named is not null && (own.Item1 ?? own.Item2 ?? (object?)layerNamed) is not null)
            {
                faults.Add("--protocol sets -k, --temperature and --layer. Leave out --protocol, or these options.");
            }

            faults.AddRange(With(new KnnOptions(), own).Validate().Select(fault => fault
                .Replace("knn.neighbours", "-k", StringComparison.Ordinal)
                .Replace("knn.temperature", "--temperature", StringComparison.Ordinal)));
            using var encoder = EncoderTarget.Open(
                parsed.GetValue(target)!, parsed.GetValue(which)!, faults, group,
                parsed.GetValue(prefix), parsed.GetValue(device));
            var options =
                named is not null && KnnOptions.Protocols.Contains(named)
                    ? KnnOptions.ForProtocol(named)
                    : With(encoder.Config.Knn, own);
            if (options.Layer == FeatureLayer.Head && encoder.Encoder.Options.Head == EncoderHead.None)
            {
                faults.Add(own.Item3 is null && named is null && encoder.HasKnnSettings
                    ? $"{encoder.Source}: its run is judged by the head's output, and this file has no head. Export " +
                        "it with --head, or judge its pooled features: --layer pooled."
                    : $"{encoder.Source}: has no head that fits. Judge its pooled features: --layer pooled.");
            }

            if (!encoder.HasKnnSettings && named is null && (own.Item1 is null || own.Item2 is null))
            {
                var settings = FormattableString.Invariant(
                    $"k {options.Neighbors}, temperature {options.Temperature}");
                Console.Error.WriteLine(
                    $"moco: note: {parsed.GetValue(target)} holds no settings of kNN: {settings} and " +
                    $"{options.Layer.Name()} features are taken where -k, --temperature and --layer say nothing.");
            }

            var labeled = LabeledData.Open(encoder, parsed.GetValue(data), parsed.GetValue(validation), faults);
            var isAskedFor = named is not null || own.Item1 is not null;
            if (isAskedFor && options.Neighbors > labeled.Train.Count)
            {
                throw new ConfigurationException([
                    $"k is {options.Neighbors}, and the bank has {labeled.Train.Count} images: expected at most " +
                    "that.",
                ]);
            }

            using var signals = new StopSignals();
            try
            {
                return Judge(
                    encoder, labeled, named ?? "own", options, isAskedFor, parsed.GetValue(output), group,
                    signals.Token);
            }
            catch (OperationCanceledException)
            {
                return ExitCode.Stopped;
            }
        }));
        return command;
    }

    /// <summary>Evaluates, and prints the report.</summary>
    internal static int Judge(
        EncoderTarget encoder, LabeledData data, string name, KnnOptions options, bool isAskedFor, string? output,
        IProcessGroup group, CancellationToken cancellation)
    {
        var evaluator = encoder.Evaluator(data, output, group, new EvaluationProgress("kNN"));
        var report = evaluator.Knn(options, name, fitNeighbors: !isAskedFor, cancellation);
        if (report.MissingClasses.Count > 0)
        {
            Console.Error.WriteLine(
                $"moco: warning: the bank has no image of {string.Join(", ", report.MissingClasses)}: those queries " +
                "count, and cannot be right.");
        }

        EvaluationOutput.Print(report);
        return EvaluationOutput.PrintUnwritten(report);
    }

    private static KnnOptions With(
        KnnOptions options,
        (int? Neighbors, double? Temperature, FeatureLayer? Layer) own) =>
        options with
    {
        Neighbors = own.Neighbors ?? options.Neighbors,
        Temperature = own.Temperature ?? options.Temperature,
        Layer = own.Layer ?? options.Layer,
    };
}
