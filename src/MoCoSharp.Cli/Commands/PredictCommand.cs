using System.CommandLine;
using System.Globalization;
using MoCoSharp.Cli.CommandLine;
using MoCoSharp.Cli.FeatureFiles;
using MoCoSharp.Cli.Progress;
using MoCoSharp.Data;
using MoCoSharp.Data.Datasets;
using MoCoSharp.Data.Views;
using MoCoSharp.Features;
using MoCoSharp.Kernels;
using MoCoSharp.Models;
using MoCoSharp.Runs;
using static TorchSharp.torch.nn;

namespace MoCoSharp.Cli.Commands;

/// <summary>moco predict: predicts the classes of images.</summary>
internal static class PredictCommand
{
    public static Command Create()
    {
        var target = new Argument<string>("classifier")
        {
            Description = "A classifier from linear or finetune, or a run folder with one in classifiers/.",
        };
        var data = Options.RequiredData("The images; labels are ignored.");
        var part = Options.Part();
        var count = new Option<int>("-k")
        {
            Description = "Number of classes for each image, most likely first.",
            DefaultValueFactory = _ => 1,
        }.Number("a whole number above 0");
        var upright = Options.ExifOrientation(
            "Turn photos upright by their EXIF orientation, even if training did not.");
        var output = new Option<string?>("-o", "--output")
        {
            HelpName = "file",
            Description = "predictions.csv or .json. Without it, predictions are printed.",
        };
        var device = Options.EncoderDevice();
        var force = Options.Force();
        var verbose = Options.Verbose();
        var command = new Command(
            "predict",
            "Predict the class of each image with a classifier from linear or finetune.")
        {
            target, data, part, count, upright, device, output, force, verbose,
        };
        command.SetAction(parsed => ExitCode.Run(parsed.GetValue(verbose), () => Run(
            parsed.GetValue(target)!, parsed.GetValue(data)!, parsed.GetValue(part)!,
            parsed.GetValue(count), parsed.GetValue(upright), parsed.GetValue(device),
            parsed.GetValue(output), parsed.GetValue(force))));
        return command;
    }

    private static int Run(
        string target, string source, string part, int count, bool upright, string? device, string? output, bool force)
    {
        var faults = Faults(part, count, output, force).ToList();
        var images = EmbedCommand.Images(source, null, part, faults);
        using var classifier = EncoderTarget.Open(
            new EncoderChoice(Classifier(target, faults)) { Device = device }, faults);
        var classes = classifier.Trained.Classes;
        if (classes.Count == 0)
        {
            faults.Add(
                $"{target}: is not a classifier. `moco linear {Shell.Quote(target)} --data LABELED` trains one " +
                "from it, and prints its path.");
        }

        if (images is null || faults.Count > 0)
        {
            throw new ConfigurationException(faults);
        }

        var views = classifier.Config.Views with
        {
            ExifOrientation = classifier.Config.Views.ExifOrientation || upright,
        };
        DataNotices.TellTurned(images, views.ExifOrientation, "--exif-orientation");
        using var signals = new StopSignals(saves: false);
        var progress = new EvaluationProgress("predict");
        var read = 0;
        var written = output is null
            ? ""
            : Path.Combine(
                Path.GetDirectoryName(Path.GetFullPath(output))!,
                $".unfinished-{Environment.ProcessId}{Path.GetExtension(output)}");
        try
        {
            using (var file = Predictions.Create(output is null ? null : written, Math.Min(count, classes.Count)))
            {
                (classifier.Trained with { Views = views }).ExtractEach(
                    images,
                    batch => read += Add(file, batch, images, classes),
                    FeatureLayer.Head,
                    normalize: false,
                    classifier.Config.Loader,
                    progress.Show,
                    cancellation: signals.Token);
                file.Finish();
            }

            if (output is not null)
            {
                File.Move(written, output, overwrite: force);
                Console.WriteLine(
                    $"{output}: {read} images, {classes.Count} classes, by " +
                    $"{target}{LeftOutWords.Describe(read, images.Count)}");
            }
        }
        finally
        {
            if (output is not null)
            {
                File.Delete(written);
            }
        }

        return ExitCode.Done;

        int Add(Predictions file, FeatureSet batch, IImageDataset of, IReadOnlyList<string> names)
        {
            using var probabilities = functional.softmax(batch.Values, dim: 1);
            var values = HostMemory.Floats(probabilities); // [N, classes]
            for (var i = 0; i < batch.Indices.Length; i++)
            {
                var row = values.AsSpan(i * names.Count, names.Count).ToArray();
                if (!row.All(float.IsFinite))
                {
                    throw new InvalidDataException(
                        $"{target}: its scores of {of.NameOf(batch.Indices[i])} are not numbers. Did its training " +
                        "diverge? Train it again with a lower learning rate.");
                }

                file.Add(
                    of.NameOf(batch.Indices[i]),
                    [
                        .. row.Index()
                            .OrderByDescending(item => item.Item)
                            .Take(count)
                            .Select(item => (names[item.Index], item.Item)),
                    ]);
            }

            if (output is not null)
            {
                progress.Show("images", read + batch.Indices.Length, of.Count);
            }

            return batch.Indices.Length;
        }
    }

    private static IEnumerable<string> Faults(string part, int count, string? output, bool force)
    {
        if (part is not ("train" or "val"))
        {
            yield return $"--part is {part}, expected train or val.";
        }

        if (count < 1)
        {
            yield return FormattableString.Invariant($"-k is {count}, expected a whole number above 0.");
        }

        foreach (var fault in OutputFaults.Find(output, [".csv", ".json"], force))
        {
            yield return fault;
        }
    }

    // A run folder means its only classifier.
    private static string Classifier(string target, List<string> faults)
    {
        var folder = Path.Combine(target, "classifiers");
        var found = Directory.Exists(folder)
            ? Directory.GetFiles(folder, "*.safetensors").Order(StringComparer.Ordinal).ToList()
            : [];
        if (found.Count > 1)
        {
            faults.Add($"{target}: has {found.Count} classifiers. Name one of {string.Join(", ", found)}.");
        }

        return found.Count > 0 ? found[0] : target;
    }
}
