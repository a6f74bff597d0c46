using System.CommandLine;
using System.Diagnostics;
using System.Globalization;
using MoCoSharp.Cli.CommandLine;
using MoCoSharp.Data.Datasets;
using MoCoSharp.Data.Images;
using MoCoSharp.Data.Packing;
using MoCoSharp.Runs;
using static System.FormattableString;

namespace MoCoSharp.Cli.Commands;

/// <summary>moco pack: writes a data set into one file, which avoids opening and decoding photos.</summary>
internal static class PackCommand
{
    private const int BrokenNamed = 10;

    public static Command Create()
    {
        var source = new Argument<string>("source")
        {
            Description = "What to pack: a folder, a list file, tar shards, cifar10:PATH, ...",
        };
        var output = new Option<string>("--output", "-o")
        {
            HelpName = "file",
            Description = "The file to write.",
            Required = true,
        };
        var shortSide = new Option<int>("--short-side")
        {
            Description = "Resize images whose shorter side is longer than this; 0 resizes none.",
            DefaultValueFactory = _ => new PackOptions().ShortSide,
        }.Number("a whole number of pixels, or 0");
        var format = new Option<string>("--format")
        {
            Description = "raw (fastest) or jpeg (a tenth of the size).",
            DefaultValueFactory = _ => "raw",
        }.OneOf("raw", "jpeg");
        var quality = new Option<int>("--quality")
        {
            Description = "Quality of encoded JPEG, 1 to 100.",
            DefaultValueFactory = _ => new PackOptions().Quality,
        }.Number("a whole number from 1 to 100");
        var upright = Options.ExifOrientation("Turn images upright by their EXIF orientation.");
        var force = Options.Force();
        var verbose = Options.Verbose();
        var command = new Command("pack", "Write a data set into one file, which is read many times faster than " +
            "photos.")
        {
            source, output, shortSide, format, quality, upright, force, verbose,
        };
        command.SetAction(parsed => ExitCode.Run(parsed.GetValue(verbose), () =>
        {
            var options = new PackOptions
            {
                ShortSide = parsed.GetValue(shortSide),
                Format = parsed.GetValue(format) == "jpeg" ? PackFormat.Jpeg : PackFormat.Raw,
                Quality = parsed.GetValue(quality),
                Request = new DecodeRequest { AppliesOrientation = parsed.GetValue(upright) },
            };
            Pack(parsed.GetValue(source)!, parsed.GetValue(output)!, options, parsed.GetValue(force));
            return ExitCode.Done;
        }));
        return command;
    }

    private static void Pack(string source, string output, PackOptions options, bool force)
    {
        List<string> faults = [.. options.Validate()];
        if (File.Exists(output) && !force)
        {
            faults.Add($"{output} exists. Name another file, or add --force to replace it.");
        }

        if (faults.Count > 0)
        {
            throw new ConfigurationException(faults);
        }

        var parts = DataNotices.Open(source, null);
        DataNotices.TellTurned(parts.Train, options.Request.AppliesOrientation, "--exif-orientation");
        if (parts.Validation is not null)
        {
            Console.Error.WriteLine(
                $"moco: note: only the training part is packed ({parts.Train.Description}). " +
                "Pack the test part by its name."
            );
        }

        var watch = Stopwatch.StartNew();
        var told = TimeSpan.Zero;
        var result = PackWriter.Write(parts.Train, output, options, done =>
        {
            if (watch.Elapsed - told > TimeSpan.FromSeconds(2))
            {
                told = watch.Elapsed;
                Console.WriteLine(
                    Invariant($"{done}/{parts.Train.Count} images, {done / watch.Elapsed.TotalSeconds:F0} a second"));
            }
        }, text => Console.Error.WriteLine($"moco: warning: {text}"));
        foreach (var reason in result.Broken.Take(BrokenNamed))
        {
            Console.Error.WriteLine($"moco: warning: left out: {reason}");
        }

        var more =
            result.Broken.Count > BrokenNamed
                ? $" ({result.Broken.Count - BrokenNamed} more images were left out)"
                : "";
        if (result.Unreadable > 0)
        {
            Console.Error.WriteLine(
                $"moco: warning: {result.Unreadable} of the images left out could not be read this time. Pack " +
                "again with --force when they are readable.");
        }

        Console.WriteLine(
            string.Create(
                CultureInfo.InvariantCulture,
                $"{output}: {result.Images} images, {result.SizeBytes / 1e6:F1} MB, in " +
                $"{watch.Elapsed.TotalSeconds:F1} s{more}. `moco pretrain moco-v2-folder --data " +
                $"{Data.Shell.Quote(output)}` reads it."));
    }
}
