using System.CommandLine;
using System.Globalization;
using MoCoSharp.Cli.CommandLine;
using MoCoSharp.Cli.FeatureFiles;
using MoCoSharp.Cli.Progress;
using MoCoSharp.Cli.Searching;
using MoCoSharp.Data.Datasets;
using MoCoSharp.Features;
using MoCoSharp.PyTorch;
using MoCoSharp.Report.Maps;
using MoCoSharp.Runs;
using static TorchSharp.torch;

namespace MoCoSharp.Cli.Commands;

/// <summary>moco map: places images on a map, similar ones close together.</summary>
internal static class MapCommand
{
    private const int MostMeasured = 5000; // images whose neighbors are compared: the time grows with the square

    public static Command Create()
    {
        var target = EncoderTarget.Argument();
        var data = Options.Data("The images. Without it, those of the run.");
        var part = Options.Part();
        var by = new Option<string>("--by")
        {
            Description = "umap or pca.",
            DefaultValueFactory = _ => "umap",
        }.Offers("umap", "pca");
        var neighbors = new Option<int>("-k", "--neighbors")
        {
            Description = "Neighbors of each image that umap keeps together.",
            DefaultValueFactory = _ => FeatureMap.DefaultNeighbors,
        }.Number("a whole number above 0");
        var seed = Options.Seed("Seed of the map. Without it, 0.");
        var flags = new EncoderFlags();
        var upright = Options.ExifOrientation(
            "Turn photos upright by their EXIF orientation, even if training did not.");
        var cache = CacheFolder.Option();
        var noCache = CacheFolder.NoOption();
        var output = new Option<string?>("-o", "--output")
        {
            HelpName = "file",
            Description = "The file to write: .html (a page with small copies), .png, .csv or .json.",
        };
        var force = Options.Force();
        var verbose = Options.Verbose();
        var command = new Command("map", "Place images on a map, similar ones close together.")
        {
            target, data, part, by, neighbors, seed, flags.Which, upright, flags.Prefix, flags.Size, flags.Device,
            cache, noCache, output, force, verbose,
        };
        command.SetAction(parsed => ExitCode.Run(parsed.GetValue(verbose), () =>
        {
            var faults = Faults(
                parsed.GetValue(part)!, parsed.GetValue(by)!, parsed.GetValue(neighbors), parsed.GetValue(output),
                parsed.GetValue(force)).ToList();
            var (folder, isOff) = (parsed.GetValue(cache), parsed.GetValue(noCache));
            if (CacheFolder.Fault(folder, isOff) is { } fault)
            {
                faults.Add(fault);
            }

            using var encoder = EncoderTarget.Open(flags.Of(parsed, parsed.GetValue(target)!), faults);
            var images = SelectCommand.SourceOf(encoder, parsed.GetValue(data), parsed.GetValue(part)!, faults);
            if (images is null || faults.Count > 0)
            {
                throw new ConfigurationException(faults);
            }

            int? around = parsed.GetValue(by) == "pca" ? null : parsed.GetValue(neighbors);
            var store = new TargetFeatures(
                encoder, CacheFolder.Of(encoder.Run, folder, isOff), new EvaluationProgress("map"))
            {
                IsUpright = parsed.GetValue(upright),
                MostValues = Array.MaxLength,
            };
            return Run(store, images, around, parsed.GetValue(seed) ?? 0, parsed.GetValue(output)!);
        }));
        return command;
    }

    private static IEnumerable<string> Faults(string part, string by, int neighbors, string? output, bool force)
    {
        if (part is not ("train" or "val"))
        {
            yield return $"--part is {part}, expected train or val.";
        }

        if (by is not ("umap" or "pca"))
        {
            yield return $"--by is {by}, expected umap or pca.";
        }

        if (neighbors < 1)
        {
            yield return FormattableString.Invariant($"-k is {neighbors}, expected a whole number above 0.");
        }

        if (output is null)
        {
            yield return $"-o is missing, expected a file that ends in {ValueOptions.Or(MapFile.Extensions)}.";
        }

        foreach (var fault in OutputFaults.Find(output, MapFile.Extensions, force))
        {
            yield return fault;
        }
    }

    private static int Run(TargetFeatures store, IImageDataset images, int? neighbors, long seed, string output)
    {
        DataNotices.TellTurned(images, store.TurnsPhotos, "--exif-orientation");
        using var signals = new StopSignals(saves: store.Keeps);
        var progress = new EvaluationProgress("map");
        using var features = store.Of(images, signals.Token);
        var places = neighbors is { } k
            ? FeatureMap.Umap(
                features.Values, k, seed, (done, total) => progress.Show("rounds", done, total), signals.Token)
            : FeatureMap.Pca(features.Values, signals.Token);
        MapPoint[] points =
        [
            .. features.Names!.Select((name, row) => new MapPoint(
                places[2 * row], places[(2 * row) + 1], name, features.Labels[row])),
        ];
        var manner = (neighbors is { } kept
            ? FormattableString.Invariant($"UMAP of {points.Length} images, {kept} neighbors, seed {seed}")
            : FormattableString.Invariant($"PCA of {points.Length} images")) + Quality(features, places, signals.Token);
        var file = new MapFile($"Map of {images.Description}", $"{manner}.", points, images.ClassNames);
        AtomicFile.Write(output, stream => file.Write(
            stream, Path.GetExtension(output), place => images.Read(features.Indices[place])));
        Console.WriteLine($"{output}: {manner}{LeftOutWords.Describe(points.Length, images.Count)}");
        return ExitCode.Done;
    }

    // Of evenly spaced images, if there are many.
    private static string Quality(FeatureSet features, float[] places, CancellationToken cancellation)
    {
        var step = ((places.Length / 2) + MostMeasured - 1) / MostMeasured;
        int[] rows = [.. Enumerable.Range(0, places.Length / 2).Where(row => row % step == 0)];
        if (rows.Length <= 2 * FeatureMap.DefaultNeighbors)
        {
            return "";
        }

        using var scope = NewDisposeScope();
        var quality = MapQuality.Of(
            features.Values.index_select(0, tensor(rows.Select(row => (long)row).ToArray())),
            [.. rows.SelectMany(row => new[] { places[2 * row], places[(2 * row) + 1] })],
            cancellation: cancellation);
        return string.Create(
            CultureInfo.InvariantCulture,
            $", trustworthiness {quality.Trustworthiness:F3}, {100 * quality.Preservation:F0} % of neighbors kept") +
            (step > 1 ? FormattableString.Invariant($" (of {rows.Length} images)") : "");
    }
}
