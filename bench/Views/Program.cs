// Two views of an image, ours against torchvision's on PIL: both in this one run, in turns, one thread each, medians of
// the rounds.
//
//     dotnet run -c Release --project bench/Views -- DATA bench/results/MACHINE/views.md [ROUNDS]
//
// DATA holds imagenette224-mini, coco128-voc and cifar-10-lossless-subset. Needs /usr/bin/python3 with torchvision
// (Debian: python3-torchvision).
using System.Diagnostics;
using System.Globalization;
using MoCoSharp.Data.Datasets;
using MoCoSharp.Data.Images;
using MoCoSharp.Data.Loading;
using MoCoSharp.Data.Packing;
using MoCoSharp.Data.Views;
using MoCoSharp.ViewsBenchmark;

using static System.FormattableString;

const string Python = "/usr/bin/python3";
var (data, result, rounds) = (args[0], args[1], args.Length > 2 ? int.Parse(args[2], CultureInfo.InvariantCulture) : 5);
var peers = Path.Combine(AppContext.BaseDirectory, "../../../../peers");
var work = Directory.CreateTempSubdirectory("moco-bench-").FullName;
try
{
    var photos = Path.Combine(work, "photos");
    using (
        var made = Process.Start(
            Python,
            [Path.Combine(peers, "photos.py"), Path.Combine(data, "coco128-voc/JPEGImages"), photos, "512"]
        )!)
    {
        made.WaitForExit();
    }

    var photo = ViewRecipes.Train(new ViewOptions());
    var small = ViewRecipes.Train(new ViewOptions { Recipe = ViewRecipe.CifarDemo, Size = 32 });
    var imagenette = ImageFolder.Open(Path.Combine(data, "imagenette224-mini/train"));
    var folder = ImageFolder.Open(photos);
    var cifar = DataSource.Open("cifar10:" + Path.Combine(data, "cifar-10-lossless-subset"), null).Train;
    Side[] sides =
    [
        Ours("photos of 500 x 375", "JPEG, libturbojpeg", folder, photo, JpegDecoder.TurboJpeg, 400),
        Ours("photos of 500 x 375", "JPEG, SkiaSharp", folder, photo, JpegDecoder.Skia, 200),
        Ours(
            "photos of 500 x 375", "packed, raw", Packed("photos", folder, PackFormat.Raw), photo, JpegDecoder.Auto,
            1000),
        Ours(
            "photos of 500 x 375", "packed, JPEG", Packed("photos-jpeg", folder, PackFormat.Jpeg), photo,
            JpegDecoder.Auto, 400),
        Peer("photos of 500 x 375", "moco-v2", photos, 224, 50),
        Ours("imagenette224-mini", "JPEG, libturbojpeg", imagenette, photo, JpegDecoder.TurboJpeg, 800),
        Ours("imagenette224-mini", "JPEG, SkiaSharp", imagenette, photo, JpegDecoder.Skia, 400),
        Ours(
            "imagenette224-mini", "packed, raw", Packed("imagenette", imagenette, PackFormat.Raw), photo,
            JpegDecoder.Auto, 1000),
        Peer("imagenette224-mini", "moco-v2", Path.Combine(data, "imagenette224-mini/train"), 224, 50),
        Ours("CIFAR-10, 32 x 32", "in memory", cifar, small, JpegDecoder.Auto, 20_000),
        Peer("CIFAR-10, 32 x 32", "cifar-demo", "cifar10:" + Path.Combine(data, "cifar-10-lossless-subset"), 32, 500),
    ];
    foreach (var side in sides)
    {
        side.Run(); // warms up code and cache
        side.Run();
        side.Rates.Clear();
    }

    for (var round = 0; round < rounds; round++)
    {
        foreach (var side in sides)
        {
            side.Run();
        }
    }

    var text = new StringWriter();
    text.WriteLine("# Two views of an image: images a second on one core");
    text.WriteLine();
    text.WriteLine(
        $"`dotnet run -c Release --project bench/Views -- DATA {result.Replace('\\', '/')} {rounds}`: ours and " +
        "torchvision's in turns, one thread each,");
    text.WriteLine(
        $"medians of {rounds} rounds with the least and the most. From the file (or the packed set, or memory) to " +
        "normalized floats in the batch.");
    text.WriteLine();
    text.WriteLine(
        $"- {Processor()}, {Environment.ProcessorCount} cores, vectors of " +
        $"{(System.Runtime.Intrinsics.Vector512.IsHardwareAccelerated ? 512 : 256)} bits; .NET " +
        $"{Environment.Version}; {ImageDecoder.TurboJpegLibrary ?? "no libturbojpeg"}; commit {Commit()}");
    text.WriteLine($"- {sides.First(side => side.Version is not null).Version}");
    text.WriteLine(
        "- Photos: coco128 resized to 500 on the longer side, JPEG of quality 90 (bench/peers/photos.py). Packed " +
        "sets: short side 256.");
    text.WriteLine();
    text.WriteLine("| images | how | images/s | least to most | times torchvision | bytes of garbage an image |");
    text.WriteLine("|---|---|---|---|---|---|");
    foreach (var group in sides.GroupBy(side => side.Set))
    {
        var peer = group.Single(side => side.Version is not null).Median;
        foreach (var side in group)
        {
            text.WriteLine(
                Invariant($"| {side.Set} | {side.How} | {side.Median:F0} | {side.Rates.Min():F0} to ") +
                Invariant($"{side.Rates.Max():F0} | {side.Median / peer:F1} | ") +
                $"{side.Garbage?.ToString("F0") ?? ""} |");
        }
    }

    text.WriteLine();
    text.WriteLine("Where our time goes, microseconds an image:");
    text.WriteLine();
    text.WriteLine("| images | how | read | decode | crop | color | blur | normalize |");
    text.WriteLine("|---|---|---|---|---|---|---|---|");
    foreach (var side in sides.Where(side => side.Times is not null))
    {
        var times = side.Times!;
        var each = 1e6 / times.Images;
        text.WriteLine(
            Invariant($"| {side.Set} | {side.How} | {times.Read * each:F0} | {times.Decode * each:F0} | ") +
            Invariant($"{times.Crop * each:F1} | {times.Color * each:F1} | {times.Blur * each:F1} | ") +
            Invariant($"{times.Normalize * each:F1} |"));
    }

    Directory.CreateDirectory(Path.GetDirectoryName(Path.GetFullPath(result))!);
    File.WriteAllText(result, text.ToString());
    Console.Write(text);
    foreach (var side in sides)
    {
        side.End();
    }
}
finally
{
    Directory.Delete(work, recursive: true);
}

IImageDataset Packed(string name, IImageDataset source, PackFormat format)
{
    var path = Path.Combine(work, name + ".moco");
    PackWriter.Write(source, path, new PackOptions { Format = format });
    return PackedImages.Open(path);
}

Side Ours(string set, string how, IImageDataset source, ViewTransform transform, JpegDecoder decoder, int images)
{
    var side = new Side(set, how, images);
    side.Measure = () =>
    {
        side.Times = StageTimes.Measure(source, transform, decoder, seed: side.Rates.Count, images);
        side.Garbage = side.Times.Allocated / (images / 2.0);
        return side.Times.Total;
    };
    return side;
}

Side Peer(string set, string recipe, string source, int size, int images)
{
    var start = new ProcessStartInfo(Python)
    {
        RedirectStandardInput = true,
        RedirectStandardOutput = true,
        UseShellExecute = false,
    };
    foreach (
        var argument in new[]
        {
            Path.Combine(peers, "views.py"), recipe, source, "--images", $"{images}", "--size", $"{size}",
        })
    {
        start.ArgumentList.Add(argument);
    }

    var process = Process.Start(start)!;
    var side = new Side(set, "torchvision and PIL", images)
    {
        Version = process.StandardOutput.ReadLine() ?? throw new InvalidOperationException("The peer did not start."),
    };
    side.Measure = () =>
    {
        process.StandardInput.WriteLine("go");
        process.StandardInput.Flush();
        return double.Parse(process.StandardOutput.ReadLine()!, CultureInfo.InvariantCulture);
    };
    side.End = process.StandardInput.Close;
    return side;
}

static string Processor() =>
    File.ReadLines("/proc/cpuinfo")
        .FirstOrDefault(line => line.StartsWith("model name", StringComparison.Ordinal))
        ?.Split(':')[1]
        .Trim()
    ?? "unknown processor";

static string Commit()
{
    using var git = Process.Start(
        new ProcessStartInfo("git", ["describe", "--always", "--dirty", "--abbrev=7"])
        {
            RedirectStandardOutput = true,
            UseShellExecute = false,
        }
    )!;
    return git.StandardOutput.ReadToEnd().Trim();
}
