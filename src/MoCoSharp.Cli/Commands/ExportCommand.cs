using System.CommandLine;
using MoCoSharp.Cli.CommandLine;
using MoCoSharp.Data;
using MoCoSharp.Encoders;
using MoCoSharp.Export;
using MoCoSharp.Models;
using MoCoSharp.Runs;

namespace MoCoSharp.Cli.Commands;

/// <summary>moco export: an encoder as a file that other tools load, checked before it is there.</summary>
internal static class ExportCommand
{
    private static readonly string[] Formats = ["safetensors", "onnx", "torchvision", "timm", "torch", "detectron2"];

    public static Command Create()
    {
        var source = new Argument<string>("source")
        {
            Description = "A run folder, a checkpoint, an exported encoder, or a PyTorch file.",
        };
        var format = new Option<string>("--format")
        {
            Description = $"One of {string.Join(", ", Formats)}.",
            Required = true,
        }.OneOf(Formats);
        var output = new Option<string>("-o", "--output")
        {
            HelpName = "file",
            Description = "The file to write.",
            Required = true,
        };
        var encoder = new Option<string>("--encoder")
        {
            Description = "query (the one that learned) or key (its moving average).",
            DefaultValueFactory = _ => "query",
        }.OneOf("query", "key");
        var head = new Option<bool>("--head") { Description = "Keep the head: embeddings instead of features." };
        var prefix = EncoderTarget.PrefixOption();
        var fold = new Option<bool>("--fold-bn")
        {
            Description = "For onnx: work each BatchNorm into the convolution before it.",
        };
        var verbose = Options.Verbose();
        var command = new Command("export", "Write an encoder for other tools, and check it.")
        {
            source, format, output, encoder, head, prefix, fold, verbose,
        };
        command.SetAction(parsed => ExitCode.Run(parsed.GetValue(verbose), () => Run(new Request(
            parsed.GetValue(source)!,
            parsed.GetValue(format)!,
            parsed.GetValue(output)!,
            EnumNames.Find<EncoderRole>(parsed.GetValue(encoder)) ?? EncoderRole.Query,
            parsed.GetValue(head),
            parsed.GetValue(fold),
            parsed.GetValue(prefix)))));
        return command;
    }

    private sealed record Request(
        string Source, string Format, string Output, EncoderRole Role, bool WithHead, bool FoldBatchNorm,
        string? Prefix);

    private static int Run(Request request)
    {
        ThrowIfAny(Faults(request));
        ExportFormat format = request.Format switch
        {
            "safetensors" => new SafeTensorsFormat(),
            "torchvision" => new TorchvisionFormat(),
            "timm" => new TimmFormat(),
            "torch" => new OfficialFormat(
                request.Role == EncoderRole.Query ? OfficialCheckpoint.Find(request.Source) : null),
            "detectron2" => new Detectron2Format(),
            _ => new OnnxFormat(request.FoldBatchNorm),
        };
        using var trained = TrainedEncoder.Load(request.Source, request.Role, request.Prefix);
        EncoderTarget.Note(request.Source, trained);
        ThrowIfAny(
        [
            .. request.WithHead && trained.Encoder.Options.Head == EncoderHead.None
                ? [$"{request.Source}: has no head. Leave out --head."]
                : Array.Empty<string>(),
            .. format.Faults(trained, request.WithHead, request.Output),
            .. format is OfficialFormat && trained.Classes.Count > 0
                ?
                [
                    $"{request.Source}: is a classifier, and official code has none of this kind. Take torchvision, " +
                    "timm, onnx or safetensors.",
                ]
                : Array.Empty<string>(),
        ]);

        // detectron2 takes the backbone alone
        var isClassifier = trained.Classes.Count > 0 && format is not Detectron2Format;
        var withHead =
            request.WithHead
            || isClassifier
            || (format is OfficialFormat && trained.Encoder.Options.Head != EncoderHead.None); // an official file always has it
        var difference = format.Export(trained, withHead, request.Output);
        var described = trained.Describe(withHead);
        Console.WriteLine(
            $"{trained.Source}, step {trained.Step}: {described["encoder"]} encoder, {trained.Architecture}");
        Console.WriteLine(
            FormattableString.Invariant(
                $"{request.Output}: {format.Name}, {new FileInfo(request.Output).Length / 1e6:F1} MB, {described["output"]}"
            ));
        Console.WriteLine($"images: {described["preparation"]}");
        Console.WriteLine(
            FormattableString.Invariant(
                $"checked: {format.Check}; the greatest difference is {difference:G2} of the largest feature"));
        if (format.Loading(trained, withHead, request.Output).ToList() is { Count: > 0 } lines)
        {
            Console.WriteLine($"load it in {format.Loader} so:\n\n{string.Join('\n', lines)}");
        }

        return ExitCode.Done;
    }

    // What can be known without opening the encoder.
    private static IEnumerable<string> Faults(Request request)
    {
        var folder = Path.GetDirectoryName(Path.GetFullPath(request.Output));
        if (!Directory.Exists(folder))
        {
            yield return $"--output {request.Output}: there is no folder {folder}. Make it first.";
        }
        else if (Directory.Exists(request.Output))
        {
            yield return $"--output {request.Output} is a folder: name a file in it.";
        }

        if (request.FoldBatchNorm && request.Format != "onnx")
        {
            yield return $"--fold-bn is for onnx: in {request.Format} BatchNorm keeps its own tensors.";
        }

        if (!Path.Exists(request.Source))
        {
            yield return $"{request.Source}: there is no such run folder or " +
                $"file.{NearestWord.DidYouMeanPath(request.Source)}";
        }
    }

    private static void ThrowIfAny(IEnumerable<string> faults)
    {
        if (faults.ToList() is { Count: > 0 } found)
        {
            throw new ConfigurationException(found);
        }
    }
}
