using System.CommandLine;
using MoCoSharp.Cli.CommandLine;
using MoCoSharp.Cli.Reports;
using MoCoSharp.Cli.Watching;
using MoCoSharp.Data.Datasets;
using MoCoSharp.Runs;
using static System.FormattableString;

namespace MoCoSharp.Cli.Commands;

/// <summary>moco watch: serves a page that follows a run while it trains.</summary>
internal static class WatchCommand
{
    private const int MostPort = 65535;

    public static Command Create()
    {
        var runPath = new Argument<string>("run") { Description = "A run folder." };
        var port = Port("--port");
        var open = Open();
        var images = new Option<int?>("--images")
        {
            Description =
                "Also show neighbors, map, clusters, near duplicates and mistakes of this many images. The CPU " +
                "computes them at each checkpoint, which slows a training on it.",
        }.Number("a whole number above 0");
        var data = Options.Data("The images for --images. Without it, those of the run.");
        var verbose = Options.Verbose();
        var command = new Command(
            "watch", "Show a run in your browser while it trains: status, curves, health. Ctrl-C ends it.")
        {
            runPath, port, open, images, data, verbose,
        };
        command.SetAction(parsed => ExitCode.Run(parsed.GetValue(verbose), () => Run(
            parsed.GetValue(runPath)!, parsed.GetValue(port), parsed.GetValue(open), parsed.GetValue(images),
            parsed.GetValue(data))));
        return command;
    }

    /// <summary>--port N, for the server.</summary>
    public static Option<int?> Port(string name) => new Option<int?>(name)
    {
        Description =
            "The port of http://127.0.0.1 for the page; 0 is any free one. Without it, 6100 or a free one after it.",
    }.Number("a whole number, 0 to 65535");

    /// <summary>--open.</summary>
    public static Option<bool> Open() => new("--open") { Description = "Open the page in your browser." };

    /// <summary>What is wrong with a port; empty if nothing is.</summary>
    public static IEnumerable<string> Faults(string name, int? port) =>
        port is < 0 or > MostPort ? [Invariant($"{name} is {port}, expected 0 to {MostPort}.")] : [];

    private static int Run(string path, int? port, bool opens, int? images, string? data)
    {
        List<string> faults = [.. Faults("--port", port), .. ReportCommand.ImageFaults(images)];
        if (data is not null && images is null)
        {
            faults.Add("--data requires --images, the number of images to show.");
        }

        if (!RunFolder.Exists(path))
        {
            faults.Add(
                $"{path} is not a run folder: it has no {RunFolder.ConfigName}. Name the folder that a training " +
                "wrote (moco pretrain --run FOLDER).");
        }

        if (faults.Count > 0)
        {
            throw new ConfigurationException(faults);
        }

        var run = RunFolder.Open(path);
        var config = run.ReadConfig(); // names its faults here, and not in the browser
        if (images is not null && (data ?? config.Data) is { Length: > 0 } source)
        {
            DataNotices.Open(source, data is null ? config.Validation : null); // the same
        }

        using var signals = new StopSignals(saves: false);
        var shown = images is { } most ? new ReportImages(data, most, Device: "cpu") { IsInBackground = true } : null;
        using var session = WatchSession.Start(run, new WatchRequest(port, opens, shown));
        Console.WriteLine("Ctrl-C ends the page, and not the training.");
        signals.Token.WaitHandle.WaitOne();
        return ExitCode.Done;
    }
}
