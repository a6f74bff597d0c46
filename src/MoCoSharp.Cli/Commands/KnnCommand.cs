using System.CommandLine;
using MoCoSharp.Cli.CommandLine;
using MoCoSharp.Cli.Progress;
using MoCoSharp.Data;
using MoCoSharp.Distributed;
using MoCoSharp.Features;
using MoCoSharp.Models;
using MoCoSharp.Runs;

namespace MoCoSharp.Cli.Commands;

/// <summary>moco knn: scores the encoder of a run or a file with a kNN classifier.</summary>
internal static class KnnCommand
{
    public static Command Create()
    {
        var target = EncoderTarget.Argument();
        var data = Options.Data("Labeled images to search for neighbors. Without it, those of the run.");
        var validation = Options.Validation("Labeled test images. Without it, the test part of the source.");
        var protocol = new Option<string?>("--protocol")
        {
            Description = $"{string.Join(" or ", KnnOptions.Protocols)}. Without it, the settings of the run.",
        }.Offers([.. KnnOptions.Protocols]);
        var neighbors = new Option<int?>("-k", "--neighbors") { Description = "Number of neighbors." }.Number(
            "a whole number above 0");
        var neighborsOld = new Option<int?>("--neighbours") { Hidden = true }.Number("a whole number above 0");
        var temperature = new Option<double?>("--temperature")
        {
            Description = "Temperature of the weights exp(similarity / temperature).",
        }.Number("a number above 0");
        var layer = new Option<string?>("--layer")
        {
            Description = "Features to compare: pooled or head.",
        }.Offers("pooled", "head");
        var flags = new EncoderFlags();
        var output = new Option<string?>("-o", "--output")
        {
            HelpName = "file",
            Description = "The report file. Without it, a file in evaluations/ of the run.",
        };
        var verbose = Options.Verbose();
        var command = new Command("knn", "Score an encoder with a kNN classifier.")
        {
            target, data, validation, protocol, neighbors, neighborsOld, temperature, layer, flags.Which, flags.Prefix,
            flags.Size, flags.Device, output, verbose,
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
            using var encoder = EncoderTarget.Open(flags.Of(parsed, parsed.GetValue(target)!), faults, group);
            var options =
                named is not null && KnnOptions.Protocols.Contains(named)
                    ? KnnOptions.ForProtocol(named)
                    : With(encoder.Config.Knn, own);
            if (options.Layer == FeatureLayer.Head && encoder.Encoder.Options.Head == EncoderHead.None)
            {
                faults.Add(own.Item3 is null && named is null && encoder.HasKnnSettings
                    ? $"{encoder.Source}: its run is evaluated on the head's output, but this file has no head. " +
                        "Export it with --head, or use its pooled features: --layer pooled."
                    : $"{encoder.Source}: has no usable head. Use its pooled features: --layer pooled.");
            }

            if (!encoder.HasKnnSettings && named is null && (own.Item1 is null || own.Item2 is null))
            {
                var settings = FormattableString.Invariant(
                    $"k {options.Neighbors}, temperature {options.Temperature}");
                Console.Error.WriteLine(
                    $"moco: note: {parsed.GetValue(target)} has no kNN settings. The defaults are {settings} and " +
                    $"{options.Layer.Name()} features; change them with -k, --temperature and --layer.");
            }

            var labeled = LabeledData.Open(encoder, parsed.GetValue(data), parsed.GetValue(validation), faults);
            var isAskedFor = named is not null || own.Item1 is not null;
            if (isAskedFor && options.Neighbors > labeled.Train.Count)
            {
                throw new ConfigurationException([
                    $"k is {options.Neighbors}, expected at most the {labeled.Train.Count} images of the bank.",
                ]);
            }

            using var signals = new StopSignals(saves: false);
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
                $"moco: warning: the bank has no image of {string.Join(", ", report.MissingClasses)}. Queries of " +
                "these classes count as mistakes.");
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
