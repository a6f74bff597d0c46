using System.CommandLine;
using MoCoSharp.Checkpoints;
using MoCoSharp.Data;
using MoCoSharp.Tensors;
using MoCoSharp.Training;

namespace MoCoSharp.Cli.Commands;

/// <summary>moco inspect: what a run folder, a checkpoint or this machine holds.</summary>
internal static class InspectCommand
{
    public static Command Create()
    {
        var path = new Argument<string?>("path") { Description = "A run folder, a checkpoint, or a PyTorch file.", Arity = ArgumentArity.ZeroOrOne };
        var environment = new Option<bool>("--environment") { Description = "Versions and hardware." };
        var verbose = new Option<bool>("--verbose") { Description = "Show stack traces." };
        var command = new Command("inspect", "Show what a run, a checkpoint or this machine holds.") { path, environment, verbose };
        command.SetAction(parsed => ExitCode.Of(parsed.GetValue(verbose), () =>
        {
            var target = parsed.GetValue(path);
            if (parsed.GetValue(environment))
            {
                TorchRuntime.Load();
                Console.Write(RunFolder.EnvironmentJson());
            }

            if (target is null && !parsed.GetValue(environment))
            {
                throw new ConfigurationException(["inspect needs a run folder or a file, or --environment."]);
            }

            if (target is not null)
            {
                Show(target);
            }

            return ExitCode.Done;
        }));
        return command;
    }

    private static void Show(string target)
    {
        if (Directory.Exists(target))
        {
            ShowRun(RunFolder.Open(target));
        }
        else if (File.Exists(target))
        {
            ShowFile(target);
        }
        else
        {
            throw new ConfigurationException([$"{target}: there is no such run folder or file.{NearestWord.DidYouMeanPath(target)}"]);
        }
    }

    private static void ShowRun(RunFolder run)
    {
        var config = run.ReadConfig();
        Console.WriteLine($"{run.Path}: {config.Description}");
        Console.WriteLine($"data {config.Data}; ResNet-{config.Encoder.Depth} of width {config.Encoder.Width}, {config.Encoder.Stem} stem, {config.Encoder.Head} head; " +
            $"batch {config.BatchSize}, {config.BnGroups} BN groups, {config.Method.Describe()}, {config.Epochs} epochs, seed {config.Seed}");
        var lines = File.Exists(run.MetricsPath) ? MetricsLog.Read(run.MetricsPath).ToList() : [];
        if (lines.LastOrDefault(line => line.ContainsKey("loss")) is { } last)
        {
            Console.WriteLine(FormattableString.Invariant(
                $"last report: step {(long)last["step"]!}, epoch {(int)last["epoch"]!}, loss {(double)last["loss"]!:F4}, contrast accuracy {(double)last["contrastAccuracy"]!:P1}"));
        }

        foreach (var line in lines.Where(line => line.ContainsKey("knn")))
        {
            Console.WriteLine(FormattableString.Invariant($"epoch {(int)line["epoch"]!}: kNN {(double)line["knn"]!:P2} [{line["protocol"]}]"));
        }

        foreach (var checkpoint in run.Checkpoints())
        {
            Console.WriteLine(FormattableString.Invariant($"{checkpoint}: {new FileInfo(checkpoint).Length / 1e6:F1} MB"));
        }
    }

    private static void ShowFile(string path)
    {
        if (!ForeignWeights.IsSafeTensors(path))
        {
            ShowTorchFile(path);
            return;
        }

        var (entries, metadata) = SafeTensors.ReadHeader(path);
        foreach (var (key, value) in metadata)
        {
            Console.WriteLine($"{key}: {value.Trim()}");
        }

        foreach (var entry in entries)
        {
            Console.WriteLine($"{entry.Name}  {entry.Type}  [{string.Join(", ", entry.Shape)}]");
        }

        Console.WriteLine(FormattableString.Invariant($"{entries.Count} tensors, {entries.Sum(entry => entry.End - entry.Begin) / 1e6:F1} MB"));
    }

    private static void ShowTorchFile(string path)
    {
        using var file = TorchFile.Read(path);
        var (count, bytes) = (0, 0L);
        Show(file.Root, "");
        Console.WriteLine(FormattableString.Invariant($"{count} tensors, {bytes / 1e6:F1} MB, {(file.Format == TorchFormat.Pickle ? "a plain pickle" : $"PyTorch's {file.Format.ToString().ToLowerInvariant()} format")}"));

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
                case IReadOnlyList<PickleValue> { Count: > 0 } list when list.All(item => item is PickleDictionary or PickleTensor):
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
                    Console.WriteLine($"{name}  {tensor.Type}  [{string.Join(", ", tensor.Shape)}]");
                    break;
                case PickleBytes data:
                    Console.WriteLine($"{name}: {data.Value.Length} bytes");
                    break;
                default:
                    Console.WriteLine($"{name}: {Line(value.ToString()!)}");
                    break;
            }
        }
    }

    // A file may hold texts of any length, with any characters: a terminal is spared them.
    private static string Line(string text) => new([.. text.Take(200).Select(letter => char.IsControl(letter) ? ' ' : letter)]);
}
