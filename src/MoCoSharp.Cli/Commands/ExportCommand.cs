using System.CommandLine;
using MoCoSharp.Cli.CommandLine;
using MoCoSharp.Data;
using MoCoSharp.Encoders;
using MoCoSharp.Export;
using MoCoSharp.Runs;

namespace MoCoSharp.Cli.Commands;

/// <summary>
/// moco export: writes an encoder for other tools, and checks the file before it gets its final name.
/// </summary>
internal static class ExportCommand
{
    private const string Onnx = "onnx";

    public static Command Create()
    {
        var source = new Argument<string>("source")
        {
            Description = "A run folder, a checkpoint, an exported encoder, or a PyTorch file.",
        };
        var format = new Option<string>("--format")
        {
            Description = $"One of {string.Join(", ", ExportFormat.Names)}.",
            Required = true,
        }.OneOf([.. ExportFormat.Names]);
        var output = new Option<string>("-o", "--output")
        {
            HelpName = "file",
            Description = "The file to write.",
            Required = true,
        };
        var encoder = new Option<string>("--encoder")
        {
            Description = "query (the trained encoder) or key (its moving average).",
            DefaultValueFactory = _ => "query",
        }.OneOf("query", "key");
        var head = new Option<bool>("--head") { Description = "Keep the head: embeddings instead of features." };
        var prefix = EncoderTarget.PrefixOption();
        var fold = new Option<bool>("--fold-bn")
        {
            Description = "For onnx: fold each BatchNorm into the convolution before it.",
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
        var format = Format(request);
        using var trained = TrainedEncoder.Load(request.Source, request.Role, request.Prefix);
        EncoderTarget.Note(request.Source, trained);
        ThrowIfAny(format.Faults(trained, request.WithHead, request.Output));
        Print(trained, format.Export(trained, request.WithHead, request.Output));
        return ExitCode.Done;
    }

    private static ExportFormat Format(Request request) => ExportFormat.Create(request.Format, new ExportOptions
    {
        Training = request.Role == EncoderRole.Query ? request.Source : null,
        FoldBatchNorm = request.FoldBatchNorm,
        OnnxRuntime = request.Format == Onnx ? OnnxRuntime.Name : "", // loads the runtime
        RunOnnx = OnnxRuntime.Run,
    });

    private static void Print(TrainedEncoder trained, ExportReport report)
    {
        var (metadata, megabytes) = (report.Metadata, report.SizeBytes / 1e6);
        Console.WriteLine(
            $"{trained.Source}, step {trained.Step}: {metadata["encoder"]} encoder, {report.Architecture}");
        Console.WriteLine(FormattableString.Invariant(
            $"{report.Path}: {report.Format}, {megabytes:F1} MB, {metadata["output"]}"));
        Console.WriteLine($"images: {metadata["preparation"]}");
        Console.WriteLine(FormattableString.Invariant(
            $"checked: {report.Check}; the greatest difference is {report.Difference:G2} of the largest feature"));
        if (report.Instructions.Count > 0)
        {
            Console.WriteLine($"to load it in {report.Loader}:\n\n{string.Join('\n', report.Instructions)}");
        }
    }

    // The faults that are known before the encoder is loaded.
    private static IEnumerable<string> Faults(Request request)
    {
        if (request.Format == Onnx && OnnxRuntime.Fault is { } missing)
        {
            yield return missing;
        }

        var folder = Path.GetDirectoryName(Path.GetFullPath(request.Output));
        if (!Directory.Exists(folder))
        {
            yield return $"--output {request.Output}: there is no folder {folder}. Create it first.";
        }
        else if (Directory.Exists(request.Output))
        {
            yield return $"--output {request.Output} is a folder. Name a file in it.";
        }

        if (request.FoldBatchNorm && request.Format != Onnx)
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
