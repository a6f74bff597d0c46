using System.CommandLine;
using System.Globalization;
using MoCoSharp.Cli.CommandLine;
using MoCoSharp.Cli.Inspection;
using MoCoSharp.Data;
using MoCoSharp.Data.Datasets;
using MoCoSharp.Data.Images;
using MoCoSharp.Detection.Transfer;
using MoCoSharp.Encoders;
using MoCoSharp.Models;
using MoCoSharp.PyTorch;
using MoCoSharp.Runs;
using TorchSharp;
using static TorchSharp.torch;

namespace MoCoSharp.Cli.Commands;

/// <summary>moco inspect: shows the content of a run folder or a checkpoint, or this machine.</summary>
internal static class InspectCommand
{
    private const long MostLookedAt = 4L << 30; // bytes of values that are checked

    public static Command Create()
    {
        var path = new Argument<string?>("path")
        {
            Description = "A run folder, a checkpoint, a PyTorch, safetensors or ONNX file, or any file of a run.",
            Arity = ArgumentArity.ZeroOrOne,
        };
        var prefix = EncoderTarget.PrefixOption();
        var environment = new Option<bool>("--environment") { Description = "Versions, hardware and fast kernels." };
        var verbose = Options.Verbose();
        var command = new Command("inspect", "Show a run, a checkpoint, another file or this machine.")
        {
            path, prefix, environment, verbose,
        };
        command.SetAction(parsed => ExitCode.Run(parsed.GetValue(verbose), () =>
        {
            var target = parsed.GetValue(path);
            if (parsed.GetValue(environment))
            {
                TorchRuntime.Load();
                Console.Write(RunFolder.EnvironmentJson(describesKernels: true));
            }

            if (target is null && !parsed.GetValue(environment))
            {
                throw new ConfigurationException(["inspect needs a run folder, a file or --environment."]);
            }

            if (target is not null)
            {
                Show(target, parsed.GetValue(prefix));
            }

            return ExitCode.Done;
        }));
        return command;
    }

    private static void Show(string target, string? prefix)
    {
        if (Directory.Exists(target))
        {
            ShowFolder(target);
        }
        else if (File.Exists(target))
        {
            ShowFile(target, prefix);
        }
        else
        {
            throw new ConfigurationException([
                $"{target}: there is no such run folder or file.{NearestWord.DidYouMeanPath(target)}",
            ]);
        }
    }

    private static void ShowFolder(string target)
    {
        var config = Path.Combine(target, RunFolder.ConfigName);
        if (File.Exists(config) && DetectionConfig.IsOne(config))
        {
            Console.WriteLine(string.Join('\n', FileKinds.Detection(config)));
            ShowCheckpoints(RunFolder.Open(target));
        }
        else if (File.Exists(config))
        {
            ShowRun(RunFolder.Open(target));
        }
        else
        {
            var (train, second) = DataSource.Open(target, null, listed: DataNotices.Listing());
            Console.WriteLine($"{target}: not a run, but images: {train.Count} of {train.ClassNames.Count} classes" +
                (second is null ? "" : $", and {second.Count} in {second.Description}"));
        }
    }

    private static void ShowCheckpoints(RunFolder run)
    {
        foreach (var checkpoint in run.Checkpoints())
        {
            Console.WriteLine(
                FormattableString.Invariant($"{checkpoint}: {new FileInfo(checkpoint).Length / 1e6:F1} MB"));
        }
    }

    private static void ShowRun(RunFolder run)
    {
        var config = run.ReadConfig();
        Console.WriteLine($"{run.Path}: {config.Description}");
        Console.WriteLine(FileKinds.Line(config));
        var lines = RunFolder.ReadMetrics(run.MetricsPath).ToList();
        if (lines.LastOrDefault(line => line.ContainsKey("loss")) is { } last)
        {
            Console.WriteLine(string.Create(
                CultureInfo.InvariantCulture,
                $"last report: step {(long)last["step"]!}, epoch {(int)last["epoch"]!}, loss " +
                $"{(double)last["loss"]!:F4}, contrast accuracy {(double)last["contrastAccuracy"]!:P1}"));
        }

        foreach (var line in lines.Where(line => line.ContainsKey("knn")))
        {
            Console.WriteLine(
                FormattableString.Invariant(
                    $"epoch {(int)line["epoch"]!}: kNN {(double)line["knn"]!:P2} [{line["protocol"]}]"));
        }

        ShowCheckpoints(run);
    }

    private static void ShowFile(string path, string? prefix)
    {
        if (FileKinds.Describe(path) is { } lines && !OnnxModel.IsOnnx(path))
        {
            Console.WriteLine(string.Join('\n', lines));
            return;
        }

        TorchRuntime.Load(); // what follows reads tensors
        if (OnnxModel.IsOnnx(path))
        {
            ShowOnnx(path);
            ShowEncoder(path, prefix);
            return;
        }

        if (!ForeignWeights.IsSafeTensors(path))
        {
            ShowTorchFile(path, prefix);
            ShowEncoder(path, prefix);
            return;
        }

        var (entries, metadata) = SafeTensors.ReadHeader(path);
        foreach (var (key, value) in metadata)
        {
            Console.WriteLine($"{key}: {value.Trim()}");
        }

        foreach (var entry in entries.Where(entry => IsWithin(entry.Name, prefix)))
        {
            Console.WriteLine($"{entry.Name}  {entry.Type}  [{string.Join(", ", entry.Shape)}]");
        }

        Console.WriteLine(
            FormattableString.Invariant(
                $"{entries.Count} tensors, {entries.Sum(entry => entry.SizeBytes) / 1e6:F1} MB"));
        if (new FileInfo(path).Length <= MostLookedAt)
        {
            using var file = SafeTensors.Read(path);
            TellNotFinite(
                file.Tensors.Where(item => IsWithin(item.Key, prefix)).Select(item => (item.Key, item.Value)));
        }

        if (!metadata.ContainsKey("mocosharp.config") && !metadata.ContainsKey("config"))
        {
            ShowEncoder(path, prefix);
        }
    }

    // The prefix is part of a tensor's path: --prefix teacher.backbone, or teacher/backbone as printed.
    private static bool IsWithin(string name, string? prefix) => prefix is null
        || ("." + name.Replace('/', '.')).Contains(
            "." + prefix.Replace('/', '.').Trim('.') + ".",
            StringComparison.Ordinal);

    private static void TellNotFinite(IEnumerable<(string Name, Tensor Tensor)> tensors)
    {
        foreach (var (name, tensor) in tensors)
        {
            if (tensor.is_floating_point() && tensor.numel() > 0)
            {
                using var scope = NewDisposeScope();
                var finite = tensor.isfinite().sum().item<long>();
                if (finite < tensor.numel())
                {
                    Console.WriteLine(
                        $"not finite: {Line(name)}: {tensor.numel() - finite} of {tensor.numel()} values are NaN or " +
                        "infinite");
                }
            }
        }
    }

    // Shows what the other verbs would load.
    private static void ShowEncoder(string path, string? prefix)
    {
        try
        {
            using var weights = ForeignWeights.Read(path, prefix);
            Console.WriteLine($"as an encoder: {weights.Kind}");
            foreach (var ignored in weights.Ignored)
            {
                Console.WriteLine($"ignored: {ignored}");
            }
        }
        catch (InvalidDataException error)
        {
            Console.WriteLine($"as an encoder: refused: {error.Message}");
        }
    }

    private static void ShowOnnx(string path)
    {
        var model = OnnxModel.Read(path);
        foreach (var (key, value) in model.Metadata.OrderBy(item => item.Key, StringComparer.Ordinal))
        {
            Console.WriteLine($"{key}: {value}");
        }

        foreach (var input in model.Inputs)
        {
            Console.WriteLine($"input: {input}");
        }

        foreach (var output in model.Outputs)
        {
            Console.WriteLine($"output: {output}");
        }

        const int most = 12;
        var frequent = model.Operations.OrderByDescending(item => item.Value).Take(most);
        Console.WriteLine(
            $"operations: {string.Join(", ", frequent.Select(item => $"{item.Value} {item.Key}"))}" +
            (model.Operations.Count > most ? ", ..." : ""));
        Console.WriteLine(string.Create(
            CultureInfo.InvariantCulture,
            $"an ONNX model, format {model.FormatVersion}, opset {string.Join(", ", model.Opsets)}, by " +
            $"{(model.Producer.Length == 0 ? "?" : model.Producer)}: {model.Weights} weights, " +
            $"{model.WeightBytes / 1e6:F1} MB"));
    }

    private static void ShowTorchFile(string path, string? prefix)
    {
        using var file = TorchFile.Read(path);
        var (count, bytes) = (0, 0L);
        var tensors = new List<(string Name, PickleTensor Tensor)>();
        Show(file.Root, "");
        var format = file.Format == TorchFormat.Pickle
            ? "a plain pickle"
            : $"PyTorch's {file.Format.ToString().ToLowerInvariant()} format";
        Console.WriteLine(FormattableString.Invariant($"{count} tensors, {bytes / 1e6:F1} MB, {format}"));
        if (bytes <= MostLookedAt)
        {
            TellNotFinite(
                tensors.Where(item => IsWithin(item.Name, prefix)).Select(item => (item.Name, item.Tensor.Tensor)));
        }

        void Show(PickleValue value, string name)
        {
            switch (value)
            {
                case PickleDictionary dictionary:
                    foreach (var (key, item) in dictionary)
                    {
                        Show(item, Line(name.Length == 0 ? $"{key}" : $"{name}/{key}"));
                    }

                    break;
                case IReadOnlyList<PickleValue> { Count: > 0 } list
                    when list.All(item => item is PickleDictionary or PickleTensor):
                    for (var i = 0; i < list.Count; i++)
                    {
                        Show(list[i], $"{name}/{i}");
                    }

                    break;
                case IReadOnlyList<PickleValue> list:
                    Console.WriteLine($"{name}: {value.Kind} of {list.Count}");
                    break;
                case PickleTensor tensor:
                    count++;
                    bytes += tensor.SizeBytes;
                    tensors.Add((name, tensor));
                    if (IsWithin(name, prefix))
                    {
                        Console.WriteLine($"{name}  {tensor.Type}  [{string.Join(", ", tensor.Shape)}]");
                    }

                    break;
                case var _ when value.ToObject() is byte[] data:
                    Console.WriteLine($"{name}: {data.Length} bytes");
                    break;
                default:
                    Console.WriteLine($"{name}: {Line(value.ToString()!)}");
                    break;
            }
        }
    }

    // Shortens texts and replaces control characters, because a file may contain any text.
    private static string Line(string text) =>
        new([.. text.Take(200).Select(letter => char.IsControl(letter) ? ' ' : letter)]);
}
