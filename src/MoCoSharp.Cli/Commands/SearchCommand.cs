using System.CommandLine;
using MoCoSharp.Cli.CommandLine;
using MoCoSharp.Cli.Progress;
using MoCoSharp.Cli.Searching;
using MoCoSharp.Data;
using MoCoSharp.Data.Datasets;
using MoCoSharp.Evaluation;
using MoCoSharp.Features;
using MoCoSharp.Runs;

namespace MoCoSharp.Cli.Commands;

/// <summary>moco search: finds the images that are most similar to others.</summary>
internal static class SearchCommand
{
    private const int MostNeighbors = 10_000;

    // The options of a search as the user gave them.
    private sealed record Arguments(
        EncoderChoice Encoder, string? Source, string Part, string[] Queries, int K, bool IncludesItself, string Layer,
        bool IsUpright, string? Cache, bool HasNoCache, string? Output, bool Force);

    public static Command Create()
    {
        var target = EncoderTarget.Argument();
        var data = Options.Data("The images to search. Without it, those of the run.");
        var part = Options.Part();
        var queries = new Option<string[]>("--image")
        {
            HelpName = "image",
            Description = "What to look for: image files, folders, or names of images in the data set.",
            AllowMultipleArgumentsPerToken = true,
            Required = true,
        };
        var count = new Option<int>("-k")
        {
            Description = "Number of similar images for each query.",
            DefaultValueFactory = _ => 10,
        }.Number("a whole number above 0");
        var itself = new Option<bool>("--with-itself")
        {
            Description = "List a query that is in the data set as its own first neighbor.",
        };
        var flags = new EncoderFlags();
        var layer = new Option<string>("--layer")
        {
            Description = "pooled or head.",
            DefaultValueFactory = _ => "pooled",
        }.Offers("pooled", "head");
        var upright = Options.ExifOrientation(
            "Turn photos upright by their EXIF orientation, even if training did not.");
        var cache = CacheFolder.Option();
        var noCache = CacheFolder.NoOption();
        var output = new Option<string?>("-o", "--output")
        {
            HelpName = "file",
            Description =
                "A page (.html), a contact sheet (.png, .jpg), .json or .csv. Without it, a table is printed.",
        };
        var force = Options.Force();
        var verbose = Options.Verbose();
        var command = new Command("search", "Find the images that are most similar to an image.")
        {
            target, data, part, queries, count, itself, flags.Which, layer, upright, flags.Prefix, flags.Size,
            flags.Device, cache, noCache, output, force, verbose,
        };
        command.SetAction(parsed => ExitCode.Run(parsed.GetValue(verbose), () => Run(new Arguments(
            flags.Of(parsed, parsed.GetValue(target)!), parsed.GetValue(data), parsed.GetValue(part)!,
            parsed.GetValue(queries)!, parsed.GetValue(count), parsed.GetValue(itself), parsed.GetValue(layer)!,
            parsed.GetValue(upright), parsed.GetValue(cache), parsed.GetValue(noCache), parsed.GetValue(output),
            parsed.GetValue(force)))));
        return command;
    }

    private static int Run(Arguments given)
    {
        var faults = Faults(given).ToList();
        using var encoder = EncoderTarget.Open(given.Encoder, faults);
        var images = EmbedCommand.Images(
            given.Source ?? encoder.OwnData, given.Source is null ? encoder.Config.Validation : null, given.Part,
            faults);
        if (given.Source is null && encoder.OwnData is null)
        {
            faults.Add($"--data is missing: {encoder.Source} has no images of its own. Name the images.");
        }

        if (images is null)
        {
            throw new ConfigurationException(faults);
        }

        var views = encoder.Config.Views with
        {
            ExifOrientation = encoder.Config.Views.ExifOrientation || given.IsUpright,
        };
        var progress = new EvaluationProgress("search", given.Output is null ? Console.Error : null);
        var search = new ImageSearch(encoder.Trained with { Views = views }, images)
        {
            Layer = EnumNames.Find<FeatureLayer>(given.Layer) ?? FeatureLayer.Pooled,
            CacheFolder = CacheFolder.Of(encoder.Run, given.Cache, given.HasNoCache),
            Loader = encoder.Config.Loader,
            IncludesItself = given.IncludesItself,
            Progress = progress.Show,
            BadImageFound = progress.Show,
            Noted = text => Console.Error.WriteLine($"moco: note: {text}"),
        };
        faults.AddRange(search.Validate(given.Queries).Select(fault => $"--image {fault}"));
        if (faults.Count > 0)
        {
            throw new ConfigurationException(faults);
        }

        DataNotices.TellTurned(images, views.ExifOrientation, "--exif-orientation");
        using var signals = new StopSignals();
        var result = search.Find(given.Queries, given.K, signals.Token);
        Tell(result, given, encoder, images);
        return ExitCode.Done;
    }

    private static IEnumerable<string> Faults(Arguments given)
    {
        if (given.K is < 1 or > MostNeighbors)
        {
            yield return $"-k is {given.K}, expected a whole number from 1 to {MostNeighbors}.";
        }

        if (EnumNames.Find<FeatureLayer>(given.Layer) is null)
        {
            yield return $"--layer is {given.Layer}, expected pooled or head.";
        }

        if (given.Part is not ("train" or "val"))
        {
            yield return $"--part is {given.Part}, expected train or val.";
        }

        if (CacheFolder.Fault(given.Cache, given.HasNoCache) is { } fault)
        {
            yield return fault;
        }

        foreach (var wrong in SearchOutput.Faults(given.Output, given.Force, given.K))
        {
            yield return wrong;
        }
    }

    private static void Tell(ImageSearchResult result, Arguments given, EncoderTarget encoder, IImageDataset images)
    {
        var leftOut = LeftOutWords.Describe(result.Images, images.Count)
            + (result.UnreadQueries > 0 ? $"; {result.UnreadQueries} of the queries could not be read" : "");
        if (given.Output is null)
        {
            Console.Write(SearchOutput.Table(result));
            if (leftOut.Length > 0)
            {
                Console.Error.WriteLine($"moco: {result.Images} images were searched{leftOut}.");
            }

            return;
        }

        var summary =
            $"{result.Queries.Count} {(result.Queries.Count == 1 ? "query" : "queries")}, each with the {given.K} " +
            $"most similar of {result.Images} images, by the cosine of {given.Layer} features of the " +
            $"{given.Encoder.Which} encoder";
        SearchOutput.Write(
            given.Output, result, $"Similar images, by {encoder.Source}", $"{images.Description}: {summary}{leftOut}.");
        Console.WriteLine($"{given.Output}: {summary}; {Computed(result)}{leftOut}");
    }

    private static string Computed(ImageSearchResult result) =>
        result.Computed == 0 ? "all features were stored"
        : result.Computed >= result.Images ? "all features were computed"
        : $"features of {result.Computed} images were computed, the others were stored";
}
