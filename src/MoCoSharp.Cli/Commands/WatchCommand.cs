using System.CommandLine;
using MoCoSharp.Cli.CommandLine;
using MoCoSharp.Cli.Watching;
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
        var verbose = Options.Verbose();
        var command = new Command(
            "watch", "Show a run in your browser while it trains: status, curves, health. Ctrl-C ends it.")
        {
            runPath, port, open, verbose,
        };
        command.SetAction(parsed => ExitCode.Run(parsed.GetValue(verbose), () => Run(
            parsed.GetValue(runPath)!, parsed.GetValue(port), parsed.GetValue(open))));
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

    private static int Run(string path, int? port, bool opens)
    {
        List<string> faults = [.. Faults("--port", port)];
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
        _ = run.ReadConfig(); // names its faults here, and not in the browser
        using var signals = new StopSignals(saves: false);
        using var session = WatchSession.Start(run, new WatchRequest(port, opens));
        Console.WriteLine("Ctrl-C ends the page, and not the training.");
        signals.Token.WaitHandle.WaitOne();
        return ExitCode.Done;
    }
}
