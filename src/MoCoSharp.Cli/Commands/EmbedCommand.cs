using System.CommandLine;
using MoCoSharp.Cli.CommandLine;
using MoCoSharp.Cli.FeatureFiles;
using MoCoSharp.Cli.Progress;
using MoCoSharp.Data;
using MoCoSharp.Data.Datasets;
using MoCoSharp.Data.Views;
using MoCoSharp.Distributed;
using MoCoSharp.Features;
using MoCoSharp.Kernels;
using MoCoSharp.Models;
using MoCoSharp.PyTorch;
using MoCoSharp.Runs;

namespace MoCoSharp.Cli.Commands;

/// <summary>moco embed: writes features of images, with names and labels, for other programs.</summary>
internal static class EmbedCommand
{
    public static Command Create()
    {
        var target = EncoderTarget.Argument();
        var data = Options.Data("The images. Without it, those of the run.");
        var part = Options.Part();
        var flags = new EncoderFlags();
        var layer = new Option<string>("--layer")
        {
            Description = "pooled or head.",
            DefaultValueFactory = _ => "pooled",
        }.Offers("pooled", "head");
        var normalize = new Option<bool>("--normalize") { Description = "Scale each row to length 1." };
        var upright = Options.ExifOrientation(
            "Turn photos upright by their EXIF orientation, even if training did not.");
        var output = new Option<string?>("-o", "--output")
        {
            HelpName = "file",
            Description = "The file to write: .npy (names and labels in a .csv beside it), .csv or .parquet.",
        };
        var force = Options.Force();
        var verbose = Options.Verbose();
        var command = new Command("embed", "Write features of images, with names and labels.")
        {
            target, data, part, flags.Which, layer, normalize, upright, flags.Prefix, flags.Size, flags.Device,
            output, force, verbose,
        };
        command.SetAction(parsed => Processes.Run(parsed.GetValue(verbose), group => Run(
            flags.Of(parsed, parsed.GetValue(target)!), parsed.GetValue(data), parsed.GetValue(part)!,
            parsed.GetValue(layer)!, parsed.GetValue(normalize), parsed.GetValue(upright), parsed.GetValue(output),
            parsed.GetValue(force), group)));
        return command;
    }

    private static int Run(
        EncoderChoice choice, string? source, string part, string layer, bool normalize, bool upright, string? output,
        bool force, IProcessGroup group)
    {
        var faults = new List<string>();
        if (output is null || !FeatureWriters.Extensions.Contains(Path.GetExtension(output).ToLowerInvariant()))
        {
            faults.Add(
                $"-o is {output ?? "missing"}, expected a file that ends in " +
                $"{string.Join(", ", FeatureWriters.Extensions)}.");
        }

        else if (!force && Processes.IsMain && FeatureWriters.Files(output).FirstOrDefault(File.Exists) is { } existing)
        {
            faults.Add($"{existing} exists. Name another file with -o, or add --force to replace it.");
        }

        var taken = EnumNames.Find<FeatureLayer>(layer);
        if (taken is null)
        {
            faults.Add($"--layer is {layer}, expected pooled or head.");
        }

        if (part is not ("train" or "val"))
        {
            faults.Add($"--part is {part}, expected train or val.");
        }

        using var encoder = EncoderTarget.Open(choice, faults, group);
        var images = Images(source ?? encoder.OwnData, source is null ? encoder.Config.Validation : null, part, faults);
        if (source is null && encoder.OwnData is null)
        {
            faults.Add($"--data is missing: {encoder.Source} has no images of its own. Name the images.");
        }

        if (images is null || faults.Count > 0)
        {
            throw new ConfigurationException(faults);
        }

        var views = encoder.Config.Views with { ExifOrientation = encoder.Config.Views.ExifOrientation || upright };
        DataNotices.TellTurned(images, views.ExifOrientation, "--exif-orientation");
        using var signals = new StopSignals(saves: false);
        var progress = new EvaluationProgress("embed");
        var featureSize = taken == FeatureLayer.Head ? encoder.Encoder.OutputSize : encoder.Encoder.FeatureSize;
        var unfinished = Path.Combine(
            Path.GetDirectoryName(Path.GetFullPath(output!))!,
            $".unfinished-{Environment.ProcessId}{Path.GetExtension(output)}");
        Directory.CreateDirectory(Path.GetDirectoryName(unfinished)!);
        var count = 0;
        try
        {
            using (
                var file = Processes.IsMain ? FeatureWriters.Create(unfinished, featureSize, images.ClassNames) : null)
            {
                (encoder.Trained with { Views = views }).ExtractEach(
                    images,
                    batch => count += Add(file, batch, images, featureSize, progress, count),
                    taken!.Value, normalize, encoder.Config.Loader, progress.Show, group, signals.Token);
                file?.Finish();
            }

            foreach (
                var (from, to) in FeatureWriters
                    .Files(unfinished)
                    .Zip(FeatureWriters.Files(output!))
                    .Where(_ => Processes.IsMain))
            {
                AtomicFile.Replace(from, to);
            }
        }
        catch (OperationCanceledException)
        {
            return ExitCode.Stopped;
        }
        finally
        {
            foreach (var left in FeatureWriters.Files(unfinished).Where(File.Exists))
            {
                File.Delete(left);
            }
        }

        Console.WriteLine(
            $"{string.Join(" and ", FeatureWriters.Files(output!))}: {count} x {featureSize}, {layer} features of " +
            $"the {choice.Which} encoder{(normalize ? ", of length 1" : "")}, evaluation view at " +
            $"{encoder.Trained.Views.Size} px"
                + LeftOutWords.Describe(count, images.Count));
        return ExitCode.Done;
    }

    /// <summary>Opens a part of a source. Returns null, and adds the faults to the list, if it cannot.</summary>
    internal static IImageDataset? Images(string? source, string? validation, string part, List<string> faults)
    {
        if (source is null)
        {
            return null;
        }

        try
        {
            var (train, second) = DataNotices.Open(source, validation);
            if (part == "val" && second is null)
            {
                faults.Add($"{train.Description}: has no test part for --part val. Name the test images with --data.");
            }

            return part == "val" ? second : train;
        }
        catch (DataSourceException error)
        {
            faults.Add(error.Message);
            return null;
        }
    }

    private static int Add(
        IFeatureWriter? file, FeatureSet batch, IImageDataset images, int featureSize, EvaluationProgress progress,
        int before)
    {
        var values = HostMemory.Floats(batch.Values);
        for (var i = 0; i < batch.Indices.Length; i++)
        {
            file?.Add(images.NameOf(batch.Indices[i]), batch.Labels[i], values.AsSpan(i * featureSize, featureSize));
        }

        progress.Show("images", before + batch.Indices.Length, images.Count);
        return batch.Indices.Length;
    }
}
