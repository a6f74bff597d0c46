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

/// <summary>moco report: writes a page that shows what the encoder of a run learned, or that compares runs.</summary>
internal static class ReportCommand
{
    private const int DefaultImages = 1000;
    private const int MostImages = 100_000; // every pair is compared
    private const int MostRuns = 12; // more curves in a chart cannot be told apart
    private const string ComparisonFile = "comparison.html";

    public static Command Create()
    {
        var runs = new Argument<string[]>("run")
        {
            Description = $"A run folder; or 2 to {MostRuns}, to compare them.",
            Arity = ArgumentArity.OneOrMore,
        };
        var data = Options.Data("The images to show. Without it, those of the run.");
        var images = new Option<int?>("--images")
        {
            Description =
                $"Number of images that are encoded and compared, 1 to {MostImages}, spread evenly over the test " +
                $"images, or over the training images without any. [{DefaultImages}]",
        }.Number("a whole number above 0");
        var device = Options.EncoderDevice();
        var output = new Option<string?>("-o", "--output")
        {
            HelpName = "file",
            Description =
                "The page, an .html file. Without it, report.html in the run folder, replaced if it exists; or " +
                $"{ComparisonFile} here for several runs.",
        };
        var force = Options.Force();
        var verbose = Options.Verbose();
        var command = new Command(
            "report",
            "Write a page that shows what a run learned: verdict, curves, neighbors, map, health; or that compares " +
            "runs. It needs no network.")
        {
            runs, data, images, device, output, force, verbose,
        };
        command.SetAction(parsed => ExitCode.Run(parsed.GetValue(verbose), () => Run(new Request(
            [.. parsed.GetValue(runs)!.DistinctBy(FullPath)], parsed.GetValue(data), parsed.GetValue(images),
            parsed.GetValue(device), parsed.GetValue(output), parsed.GetValue(force)))));
        return command;
    }

    /// <summary>What is wrong with a number of images; empty if nothing is.</summary>
    public static IEnumerable<string> ImageFaults(int? images) => images is < 1 or > MostImages
        ? [Invariant($"--images is {images}, expected 1 to {MostImages}.")]
        : [];

    private sealed record Request(
        IReadOnlyList<string> Runs, string? Data, int? Images, string? Device, string? Output, bool Force)
    {
        public bool Compares => Runs.Count > 1;
    }

    private static string FullPath(string path) => Path.TrimEndingDirectorySeparator(Path.GetFullPath(path));

    private static int Run(Request request)
    {
        List<string> faults =
        [
            .. RunFaults(request), .. request.Compares ? ComparisonFaults(request) : [], .. ValueFaults(request),
        ];
        if (faults.Count > 0)
        {
            throw new ConfigurationException(faults);
        }

        var watch = Stopwatch.StartNew();
        var (verdict, page, file) = request.Compares ? Compare(request) : Report(request);
        var bytes = Encoding.UTF8.GetBytes(page);
        AtomicFile.Write(file, stream => stream.Write(bytes));
        Console.WriteLine(verdict);
        Console.WriteLine(Invariant(
            $"{file}: {bytes.Length / 1e6:F1} MB, {watch.Elapsed.TotalSeconds:F0} s. Open it in a browser."));
        return ExitCode.Done;
    }

    private static (string Verdict, string Page, string File) Report(Request request)
    {
        using var signals = new StopSignals(saves: false);
        var run = RunFolder.Open(request.Runs[0]);
        var images = new ReportImages(request.Data, request.Images ?? DefaultImages, request.Device);
        var report = new RunReportBuilder(run, images).Create(signals.Token);
        foreach (var reason in report.LeftOut.GroupBy(left => left.Value, left => $"{left.Key}".ToLowerInvariant()))
        {
            Console.Error.WriteLine($"moco: note: {string.Join(", ", reason)}: {reason.Key}");
        }

        return (
            report.Verdict[0], RunReportPage.Create(report), request.Output ?? Path.Combine(run.Path, "report.html"));
    }

    private static (string Verdict, string Page, string File) Compare(Request request)
    {
        var comparison = ComparisonBuilder.Create(request.Runs);
        return (comparison.Verdict[0], ComparisonPage.Create(comparison), request.Output ?? ComparisonFile);
    }

    private static IEnumerable<string> RunFaults(Request request)
    {
        foreach (var path in request.Runs)
        {
            if (!RunFolder.Exists(path))
            {
                yield return $"{path} is not a run folder: it has no {RunFolder.ConfigName}. Name the folder that a " +
                    "training wrote (moco pretrain --run FOLDER).";
            }
            else if (request.Compares && ConfigFault(path) is { } fault)
            {
                yield return fault;
            }
        }
    }

    private static string? ConfigFault(string path)
    {
        try
        {
            RunFolder.Open(path).ReadConfig();
            return null;
        }
        catch (Exception error) when (error is InvalidDataException or ConfigurationException)
        {
            return error.Message;
        }
    }

    private static IEnumerable<string> ComparisonFaults(Request request)
    {
        if (request.Runs.Count > MostRuns)
        {
            yield return Invariant($"{request.Runs.Count} runs are named, expected at most {MostRuns}.");
        }

        foreach (var (option, does, isGiven) in new[]
        {
            ("--data", "chooses images", request.Data is not null),
            ("--images", "chooses images", request.Images is not null),
            ("--device", "computes features", request.Device is not null),
        })
        {
            if (isGiven)
            {
                yield return $"{option} {does}, which a comparison of runs does not show. Name one run, or leave " +
                    $"{option} out.";
            }
        }
    }

    private static IEnumerable<string> ValueFaults(Request request)
    {
        foreach (var fault in ImageFaults(request.Images))
        {
            yield return fault;
        }

        if (request.Device is { } device && TorchRuntime.DeviceFault(device) is { } missing)
        {
            yield return $"--{missing}";
        }

        var output = request.Output ?? (request.Compares ? ComparisonFile : null);
        foreach (var fault in OutputFaults.Find(output, [".html"], request.Force))
        {
            yield return fault;
        }
    }
}
