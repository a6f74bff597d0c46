using System.CommandLine;
using System.Globalization;
using MoCoSharp.Cli.CommandLine;
using MoCoSharp.Cli.Progress;
using MoCoSharp.Cli.Searching;
using MoCoSharp.Data;
using MoCoSharp.Data.Datasets;
using MoCoSharp.Features;
using MoCoSharp.Runs;

namespace MoCoSharp.Cli.Commands;

/// <summary>moco select: chooses which images to label first.</summary>
internal static class SelectCommand
{
    public static Command Create()
    {
        var target = EncoderTarget.Argument();
        var data = Options.Data("The images to choose from. Without it, those of the run.");
        var part = Options.Part();
        var count = new Option<int>("-n", "--count")
        {
            Description = "Number of images.",
            Required = true,
        }.Number("a whole number above 0");
        var rule = new Option<string>("--by")
        {
            Description = "typical of clusters, diverse, uncertain given some labels, or random.",
            DefaultValueFactory = _ => SelectionRule.Typical.Name(),
        }.Offers([.. EnumNames.All<SelectionRule>()]);
        var labeled = new Option<string?>("--labeled")
        {
            HelpName = "source",
            Description = "Images that have labels already, such as a list. They are left out, and count as chosen.",
        };
        var seed = Options.Seed("Seed of the choice. Without it, 0.");
        var flags = new EncoderFlags();
        var upright = Options.ExifOrientation(
            "Turn photos upright by their EXIF orientation, even if training did not.");
        var cache = CacheFolder.Option();
        var noCache = CacheFolder.NoOption();
        var output = new Option<string?>("-o", "--output")
        {
            HelpName = "file",
            Description = "The list to write, such as first.txt. Every --data reads it. Without it, only a table.",
        };
        var force = Options.Force();
        var verbose = Options.Verbose();
        var command = new Command("select", "Choose which images to label first.")
        {
            target, data, part, count, rule, labeled, seed, flags.Which, upright, flags.Prefix, flags.Size,
            flags.Device, cache, noCache, output, force, verbose,
        };
        command.SetAction(parsed => ExitCode.Run(parsed.GetValue(verbose), () =>
        {
            var request = new SelectionRequest(
                parsed.GetValue(count), parsed.GetValue(rule)!, parsed.GetValue(labeled), parsed.GetValue(seed) ?? 0,
                parsed.GetValue(output), parsed.GetValue(force));
            var faults = request.Faults().ToList();
            var (folder, isOff) = (parsed.GetValue(cache), parsed.GetValue(noCache));
            if (CacheFolder.Fault(folder, isOff) is { } fault)
            {
                faults.Add(fault);
            }

            using var encoder = EncoderTarget.Open(flags.Of(parsed, parsed.GetValue(target)!), faults);
            if (parsed.GetValue(part) is not ("train" or "val"))
            {
                faults.Add($"--part is {parsed.GetValue(part)}, expected train or val.");
            }

            var images = SourceOf(encoder, parsed.GetValue(data), parsed.GetValue(part)!, faults);
            var store = new TargetFeatures(
                encoder, CacheFolder.Of(encoder.Run, folder, isOff), new EvaluationProgress("select"))
            {
                IsUpright = parsed.GetValue(upright),
                IsShown = request.Output is not null || Screen.IsLive,
                MostValues = Array.MaxLength,
            };
            return Run(request, store, images, faults);
        }));
        return command;
    }

    /// <summary>Opens the images of a source, or of the run. If it cannot, adds the faults, and returns null.</summary>
    internal static IImageDataset? SourceOf(EncoderTarget encoder, string? data, string part, List<string> faults)
    {
        if (data is null && encoder.OwnData is null)
        {
            faults.Add($"--data is missing: {encoder.Source} has no images of its own. Name the images.");
        }

        return EmbedCommand.Images(
            data ?? encoder.OwnData, data is null ? encoder.Config.Validation : null, part, faults);
    }

    private static int Run(
        SelectionRequest request, TargetFeatures store, IImageDataset? images, List<string> faults)
    {
        var labeled = request.OpenLabeled(faults);
        var excluded = images is null || labeled is null
            ? []
            : SharedImages.Find(labeled, images).Select(pair => pair.Second).ToHashSet();
        var unnamed = images is null || request.Output is null
            ? 0
            : Enumerable.Range(0, images.Count)
                .Count(index => !excluded.Contains(index) && !ImageListFile.CanName(images, index));
        if (images is not null)
        {
            faults.AddRange(request.Faults(images, excluded.Count, unnamed));
        }

        if (images is null || faults.Count > 0)
        {
            throw new ConfigurationException(faults);
        }

        Func<int, bool> isOpen = index =>
            !excluded.Contains(index) && (unnamed == 0 || ImageListFile.CanName(images, index));
        DataNotices.TellTurned(images, store.TurnsPhotos, "--exif-orientation");
        using var signals = new StopSignals(saves: store.Keeps);
        // First, so that those of labeled images are found in them.
        using var features = TargetFeatures.Only(store.Of(images, signals.Token), isOpen);
        using var known = labeled is null ? null : store.Of(labeled, signals.Token);
        if (features.Indices.Length < request.Count)
        {
            throw new InvalidDataException(
                $"{images.Description}: only {features.Indices.Length} of the images to choose from can be read, and " +
                $"-n is {request.Count}. Lower -n.");
        }

        var chosen = ImageSelection.Choose(
            request.Rule!.Value, features, request.Count, known, request.Seed, signals.Token);
        request.Write(images, features, chosen);
        Print(request, images, features, chosen, excluded.Count, unnamed);
        return ExitCode.Done;
    }

    private static void Print(
        SelectionRequest request, IImageDataset images, FeatureSet features, IReadOnlyList<SelectedImage> chosen,
        int excluded, int unnamed)
    {
        var width = chosen.Count.ToString(CultureInfo.InvariantCulture).Length;
        var figure = request.Rule switch
        {
            SelectionRule.Random => "",
            SelectionRule.Uncertain => "  margin",
            _ => "  distance",
        };
        Console.WriteLine($"{"#".PadLeft(width)}{figure}  image");
        foreach (var (place, image) in chosen.Index())
        {
            var score = double.IsNaN(image.Score) ? "-" : image.Score.ToString("F4", CultureInfo.InvariantCulture);
            var name = new string(
                [.. features.Names![image.Row].Select(letter => char.IsControl(letter) ? '?' : letter)]);
            Console.WriteLine(
                $"{$"{place + 1}".PadLeft(width)}{(figure.Length > 0 ? $"  {score.PadLeft(figure.Length - 2)}" : "")}" +
                $"  {name}");
        }

        var left = excluded > 0 ? $"; left out: {excluded} with labels" : "";
        left += unnamed > 0 ? $"; left out: {unnamed} with a tab or a line break in the name" : "";
        Console.WriteLine(
            $"{(request.Output is null ? "" : $"{request.Output}: ")}{chosen.Count} of {images.Count} images, " +
            $"{request.Manner}{left}" +
            LeftOutWords.Describe(features.Indices.Length + excluded + unnamed, images.Count));
    }
}
