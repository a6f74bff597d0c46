using System.CommandLine;
using MoCoSharp.Cli.CommandLine;
using MoCoSharp.Cli.Progress;
using MoCoSharp.Cli.Quality;
using MoCoSharp.Cli.Searching;
using MoCoSharp.Data;
using MoCoSharp.Data.Datasets;
using MoCoSharp.PyTorch;
using MoCoSharp.Runs;

namespace MoCoSharp.Cli.Commands;

/// <summary>moco duplicates: finds images that repeat another one, within a set or across two sets.</summary>
internal static class DuplicatesCommand
{
    /// <summary>The lowest cosine of near duplicates.</summary>
    public const double DefaultThreshold = 0.95; // docs/how-to/duplicates.md says why

    public static Command Create()
    {
        var target = new Argument<string?>("run")
        {
            Description =
                "A run folder, a checkpoint, an exported encoder, or a PyTorch file, to find similar images. " +
                "Without it, only exact duplicates are found.",
            Arity = ArgumentArity.ZeroOrOne,
        };
        var data = Options.Data("The images. Without it, those of the run.");
        var part = Options.Part();
        var between = new Option<string?>("--between")
        {
            HelpName = "source",
            Description =
                "Other images, such as test images (the test part of a source that has both): find images that are " +
                "in both sets.",
        };
        var threshold = new Option<double?>("--threshold")
        {
            Description = $"The lowest cosine of features of similar images. [{DefaultThreshold:0.0#}]",
        }.Number("a number above 0, at most 1");
        var layer = new Option<string>("--layer")
        {
            Description = "Features to compare: pooled or head.",
            DefaultValueFactory = _ => "pooled",
        }.OneOf("pooled", "head");
        var flags = new EncoderFlags();
        var cache = CacheFolder.Option();
        var noCache = CacheFolder.NoOption();
        var output = new Option<string?>("-o", "--output")
        {
            HelpName = "file",
            Description = "Write all groups or pairs: .json, .csv, or a gallery as .html.",
        };
        var commands = new Option<string?>("--commands")
        {
            HelpName = "file",
            Description = "Write the shell commands that remove the duplicates into a script. Nothing is removed.",
        };
        var force = Options.Force();
        var verbose = Options.Verbose();
        var command = new Command("duplicates", "Find duplicates, near duplicates, and leaks from training to test.")
        {
            target, data, part, between, threshold, layer, flags.Which, flags.Prefix, flags.Size, flags.Device, cache,
            noCache, output, commands, force, verbose,
        };
        command.SetAction(parsed => ExitCode.Run(parsed.GetValue(verbose), () => Run(new Request(
            parsed.GetValue(target) is { } named ? flags.Of(parsed, named) : null, [.. flags.Given(parsed)],
            parsed.GetValue(data), parsed.GetValue(part)!, parsed.GetValue(between), parsed.GetValue(threshold),
            parsed.GetValue(layer)!, parsed.GetValue(cache), parsed.GetValue(noCache), parsed.GetValue(output),
            parsed.GetValue(commands), parsed.GetValue(force)))));
        return command;
    }

    private sealed record Request(
        EncoderChoice? Encoder, IReadOnlyList<string> EncoderOptionsGiven, string? Data, string Part, string? Between,
        double? Threshold, string Layer, string? Cache, bool HasNoCache, string? Output, string? Commands, bool Force)
    {
        public string? Target => Encoder?.Target;
    }

    private static int Run(Request request)
    {
        List<string> faults = [.. Faults(request)];
        var images = EmbedCommand.Images(request.Data, null, request.Part, faults);
        var others = Others(request.Between, faults);
        if (faults.Count > 0 && (request.Target is null || Directory.Exists(request.Target)))
        {
            throw new ConfigurationException(faults);
        }

        using var encoder = request.Encoder is { } choice ? EncoderTarget.Open(choice, faults) : null;
        var source = request.Data ?? encoder!.OwnData;
        if (source is null)
        {
            faults.Add($"--data is missing: {encoder!.Source} has no images of its own. Name the images.");
        }

        if (request.Data is null)
        {
            images = EmbedCommand.Images(source, encoder!.Config.Validation, request.Part, faults);
        }

        if (images is null || faults.Count > 0)
        {
            throw new ConfigurationException(faults);
        }

        var cache = encoder is null ? null : CacheFolder.Of(encoder.Run, request.Cache, request.HasNoCache);
        using var signals = new StopSignals(saves: cache is not null);
        var search = new DuplicateSearch(new EvaluationProgress("duplicates"), cache, signals.Token);
        var set = search.Survey(source!, images);
        var other = others is null ? null : search.Survey(request.Between!, others);
        Tell(
            encoder is null
                ? DuplicateSearch.Exact(set, other)
                : search.Similar(
                    encoder,
                    new Comparison(request.Target!, request.Layer, request.Threshold ?? DefaultThreshold), set, other),
            request);
        return ExitCode.Done;
    }

    private static IEnumerable<string> Faults(Request request)
    {
        if (request is { Target: null, Data: null })
        {
            yield return "--data is missing. Name the images, or a run that was trained on them.";
        }

        if (request.Threshold is <= 0 or > 1)
        {
            yield return FormattableString.Invariant(
                $"--threshold is {request.Threshold}, expected a number above 0, at most 1.");
        }

        if (request is { Target: { } folder, Data: null } && Directory.Exists(folder) && !RunFolder.Exists(folder))
        {
            yield return $"{folder} is not a run folder. If it holds the images, write --data {Shell.Quote(folder)}.";
        }

        if (request is { Target: null, Threshold: not null })
        {
            yield return "--threshold compares features: name a run or an encoder, or leave it out.";
        }

        if (request is { Target: null, EncoderOptionsGiven.Count: > 0 })
        {
            yield return
                $"{string.Join(", ", request.EncoderOptionsGiven)}: only with a run or an encoder. Name one, or " +
                "leave these options out.";
        }

        if (CacheFolder.Fault(request.Cache, request.HasNoCache) is { } unclear)
        {
            yield return unclear;
        }

        if (request.Part is not ("train" or "val"))
        {
            yield return $"--part is {request.Part}, expected train or val.";
        }

        foreach (var fault in OutputFaults.Find(request.Output, DuplicateFiles.Endings, request.Force))
        {
            yield return fault;
        }

        foreach (var fault in OutputFaults.Find(request.Commands, [], request.Force, "--commands"))
        {
            yield return fault;
        }
    }

    // As --val: the test part of a source that has one, otherwise all of it.
    private static IImageDataset? Others(string? source, List<string> faults)
    {
        if (source is null)
        {
            return null;
        }

        try
        {
            var (all, test) = DataNotices.Open(source, null);
            return test ?? all;
        }
        catch (DataSourceException error)
        {
            faults.Add(error.Message);
            return null;
        }
    }

    private static void Tell(DuplicateReport report, Request request)
    {
        DuplicateTable.Print(report);
        if (report.Advice is { } advice)
        {
            Console.Error.WriteLine($"moco: warning: {advice}");
        }

        var commands = report.Commands();
        if (request.Commands is { } script)
        {
            var text = commands.Script($"Removes {commands.All.Count} images of {report.Set.Source}");
            AtomicFile.Write(script, stream => stream.Write(text));
        }

        DuplicateTable.Print(commands, request.Commands);
        if (request.Output is { } output)
        {
            DuplicateFiles.Write(output, report);
            var what = report.Other is null ? "group" : "pair";
            Console.WriteLine($"{output}: {Plain.Count(report.Groups.Count + report.Leaks.Count, what)}");
        }
    }
}
