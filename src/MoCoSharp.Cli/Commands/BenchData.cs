using System.CommandLine;
using System.Diagnostics;
using System.Globalization;
using MoCoSharp.Cli.CommandLine;
using MoCoSharp.Data;
using MoCoSharp.Data.Datasets;
using MoCoSharp.Data.Images;
using MoCoSharp.Data.Loading;
using MoCoSharp.Data.Views;
using MoCoSharp.Models;
using MoCoSharp.Runs;
using static System.FormattableString;
using static TorchSharp.torch;

namespace MoCoSharp.Cli.Commands;

/// <summary>moco bench data: images per second by stage, and how to increase them.</summary>
internal static class BenchData
{
    private const double LargeShare = 0.5; // share of time in one stage that deserves advice
    private const int CopiedImages = 32;

    public static Command Create()
    {
        var source = new Argument<string>("source") { Description = "Images, as for moco pretrain --data." };
        var recipe = new Option<string>("--recipe")
        {
            Description = "The recipe whose views are measured.",
            DefaultValueFactory = _ => "moco-v2-folder",
        }.CompletesRecipes();
        var set = Options.Set("A setting that overrides the recipe: views.size=160");
        var images = new Option<int>("--images")
        {
            Description = "Number of images to measure, after the same number for warm-up.",
            DefaultValueFactory = _ => 500,
        }.Number("a whole number, 2 or more");
        var verbose = Options.Verbose();
        var command = new Command(
            "data",
            "Measure images per second by stage, on one core and on all, and suggest improvements.")
        {
            source, recipe, set, images, verbose,
        };
        command.SetAction(parsed => ExitCode.Run(parsed.GetValue(verbose), () =>
        {
            var faults = new List<string>();
            var config = Recipes.TryLoad(parsed.GetValue(recipe)!, parsed.GetValue(set)!, faults);
            if (parsed.GetValue(images) < 2)
            {
                faults.Add($"--images is {parsed.GetValue(images)}, expected 2 or more.");
            }

            if (faults.Count > 0 || config is null)
            {
                throw new ConfigurationException(faults);
            }

            var data = DataNotices.Open(parsed.GetValue(source)!, null).Train;
            ImageDecoder.ThrowIfMissing(config.Loader.JpegDecoder);
            Measure(data, config, parsed.GetValue(images));
            return ExitCode.Done;
        }));
        return command;
    }

    private static void Measure(IImageDataset data, RunConfig config, int images)
    {
        var transform = ViewRecipes.Train(config.Views);
        var decoder =
            ImageDecoder.TurboJpegLibrary is { } library && config.Loader.JpegDecoder != JpegDecoder.Skia
                ? library
                : "SkiaSharp";
        Console.WriteLine(
            $"{data.Description}, {data.Count} images; {config.Views.Recipe.Name()} at {config.Views.Size}; JPEG by " +
            $"{decoder}; vectors of {VectorBits()} bits");
        // Warms up the code and the disk cache.
        StageTimes.Measure(data, transform, config.Loader.JpegDecoder, config.Seed, images);
        var times = StageTimes.Measure(data, transform, config.Loader.JpegDecoder, config.Seed + 1, images);
        if (times.Images == 0)
        {
            throw new BrokenImageException($"{data.Description}: none of the {times.Broken} images tried can be read.");
        }

        var copy = CopySeconds(config.Views.Size) * times.Images;
        var total = times.Total + copy;
        Console.WriteLine("stage           us per image   share   of two views, on one core");
        foreach (var (name, seconds) in Stages(times, copy))
        {
            Console.WriteLine(Invariant($"{name,-16} {1e6 * seconds / times.Images,11:F1} {seconds / total,7:P0}"));
        }

        var broken = times.Broken > 0 ? $"; {times.Broken} broken" : "";
        Console.WriteLine(string.Create(
            CultureInfo.InvariantCulture,
            $"one core: {times.Images / total:F0} images/s; reading and decoding alone " +
            $"{times.Images / Math.Max(times.Read + times.Decode, 1e-9):F0}/s; " +
            $"{times.Allocated / Math.Max(1, images / 2)} bytes allocated per image{broken}"));
        var workers = Environment.ProcessorCount;
        var rate = AllCores(data, transform, config, workers, images);
        Console.WriteLine(Invariant($"{workers} workers on {Environment.ProcessorCount} cores: {rate:F0} images/s"));
        Console.WriteLine(Advice(data, times, total));
    }

    private static IEnumerable<(string Name, double Seconds)> Stages(StageTimes times, double copy) =>
    [
        ("read", times.Read), ("decode", times.Decode), ("crop and resize", times.Crop), ("color", times.Color),
        ("blur", times.Blur),
        ("normalize", times.Normalize), ("copy to tensor", copy),
    ];

    // Measures the loader without training, so that it has all cores.
    private static double AllCores(
        IImageDataset data, ViewTransform transform, RunConfig config, int workers, int images)
    {
        var batch = Math.Clamp(images / 8, 1, Math.Min(64, data.Count));
        using var loader = ViewLoader.Open(
            data,
            transform,
            config.Loader with
            {
                Workers = workers,
            },
            config.Seed,
            batch);
        var watch = new Stopwatch();
        var done = 0;
        for (var epoch = 0; done < 2 * images; epoch++)
        {
            foreach (var made in loader.Epoch(epoch))
            {
                made.Dispose();
                if (!watch.IsRunning)
                {
                    watch.Start(); // the first batch waits for the threads to start
                    continue;
                }

                done += batch;
                if (done >= 2 * images)
                {
                    break;
                }
            }

            if (loader.BatchesPerEpoch <= 1 && epoch > 2 * images)
            {
                break;
            }
        }

        return done / watch.Elapsed.TotalSeconds;
    }

    private static double CopySeconds(int size)
    {
        TorchRuntime.Load();
        var pixels = new float[CopiedImages * size * size * 3];
        var best = double.PositiveInfinity;
        for (var i = 0; i < 5; i++)
        {
            using var scope = TorchSharp.torch.NewDisposeScope();
            var since = Stopwatch.GetTimestamp();
            _ = HostMemory.Images(pixels, CopiedImages, size, CPU);
            best = Math.Min(best, Stopwatch.GetElapsedTime(since).TotalSeconds);
        }

        return 2 * best / CopiedImages; // two views
    }

    private static string Advice(IImageDataset data, StageTimes times, double total)
    {
        var decoding = (times.Read + times.Decode) / total;
        if (decoding < LargeShare)
        {
            return "Most of the time is spent on the views: more cores help, faster files do not.";
        }

        var share = Invariant($"Reading and decoding are {decoding:P0}: ");
        return data is PackedImages { Format: PackFormat.Jpeg }
                ? share + "pack the set as raw pixels (`moco pack --format raw`)."
            : ImageDecoder.TurboJpegLibrary is null
                ? share + "install libturbojpeg (Debian: libturbojpeg0), or pack the set (`moco pack SOURCE -o FILE`)."
            : share
                + "pack the set (`moco pack SOURCE -o FILE`). Photos far larger than the views: --set " +
                    "views.scaledDecoding=true helps too.";
    }

    private static int VectorBits() =>
        System.Runtime.Intrinsics.Vector512.IsHardwareAccelerated ? 512
        : System.Runtime.Intrinsics.Vector256.IsHardwareAccelerated ? 256
        : 128;
}
