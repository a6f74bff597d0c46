using System.CommandLine;
using System.Diagnostics;
using System.Text;
using MoCoSharp.Cli.CommandLine;
using MoCoSharp.Cli.Reports;
using MoCoSharp.PyTorch;
using MoCoSharp.Report.RunReports;
using MoCoSharp.Runs;
using static System.FormattableString;

namespace MoCoSharp.Cli.Commands;

/// <summary>moco report: writes a page that shows what the encoder of a run learned.</summary>
internal static class ReportCommand
{
    private const int DefaultImages = 1000;
    private const int MostImages = 100_000; // every pair is compared

    public static Command Create()
    {
        var runPath = new Argument<string>("run") { Description = "A run folder." };
        var data = Options.Data("The images to show. Without it, those of the run.");
        var images = new Option<int>("--images")
        {
            Description =
                $"Number of images that are encoded and compared, 1 to {MostImages}, spread evenly over the test " +
                "images, or over the training images without any.",
            DefaultValueFactory = _ => DefaultImages,
        }.Number("a whole number above 0");
        var device = Options.EncoderDevice();
        var output = new Option<string?>("-o", "--output")
        {
            HelpName = "file",
            Description = "The page, an .html file. Without it, report.html in the run folder, replaced if it exists.",
        };
        var force = Options.Force();
        var verbose = Options.Verbose();
        var command = new Command(
            "report",
            "Write a page that shows what a run learned: verdict, curves, neighbors, map, health. It needs no network.")
        {
            runPath, data, images, device, output, force, verbose,
        };
        command.SetAction(parsed => ExitCode.Run(parsed.GetValue(verbose), () => Run(
            parsed.GetValue(runPath)!,
            new ReportImages(parsed.GetValue(data), parsed.GetValue(images), parsed.GetValue(device)),
            parsed.GetValue(output), parsed.GetValue(force))));
        return command;
    }

    private static int Run(string path, ReportImages images, string? output, bool force)
    {
        var faults = Faults(path, images, output, force).ToList();
        if (faults.Count > 0)
        {
            throw new ConfigurationException(faults);
        }

        var watch = Stopwatch.StartNew();
        var run = RunFolder.Open(path);
        using var signals = new StopSignals(saves: false);
        var report = new RunReportBuilder(run, images).Create(signals.Token);
        var file = output ?? Path.Combine(path, "report.html");
        var page = Encoding.UTF8.GetBytes(RunReportPage.Create(report));
        AtomicFile.Write(file, stream => stream.Write(page));
        foreach (var (part, why) in report.LeftOut)
        {
            Console.Error.WriteLine($"moco: note: {part.ToString().ToLowerInvariant()}: {why}");
        }

        Console.WriteLine(report.Verdict[0]);
        Console.WriteLine(Invariant(
            $"{file}: {page.Length / 1e6:F1} MB, {watch.Elapsed.TotalSeconds:F0} s. Open it in a browser."));
        return ExitCode.Done;
    }

    private static IEnumerable<string> Faults(string path, ReportImages images, string? output, bool force)
    {
        if (!RunFolder.Exists(path))
        {
            yield return $"{path} is not a run folder: it has no {RunFolder.ConfigName}. Name the folder that a " +
                "training wrote (moco pretrain --run FOLDER).";
        }

        if (images.Most is < 1 or > MostImages)
        {
            yield return Invariant($"--images is {images.Most}, expected 1 to {MostImages}.");
        }

        if (images.Device is { } device && TorchRuntime.DeviceFault(device) is { } missing)
        {
            yield return $"--{missing}";
        }

        foreach (var fault in OutputFaults.Find(output, [".html"], force))
        {
            yield return fault;
        }
    }
}
