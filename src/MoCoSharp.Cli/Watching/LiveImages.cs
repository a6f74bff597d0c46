using System.Text.Json.Nodes;
using MoCoSharp.Cli.Reports;
using MoCoSharp.Report.RunReports;
using MoCoSharp.Runs;
using static System.FormattableString;

namespace MoCoSharp.Cli.Watching;

/// <summary>
/// Makes the parts of a watched page that need features of images, again after each checkpoint, on a thread of its own.
/// </summary>
internal sealed class LiveImages : IDisposable
{
    private static readonly TimeSpan LookEvery = TimeSpan.FromSeconds(1);

    private readonly RunFolder _run;
    private readonly ReportImages _request;
    private readonly CancellationTokenSource _stop = new();
    private readonly Thread _thread;
    private volatile LearnedView? _newest;

    /// <summary>Begins to follow a run.</summary>
    /// <param name="run">The run folder; it is only read.</param>
    /// <param name="request">Which images, and where features are computed.</param>
    public LiveImages(RunFolder run, ReportImages request)
    {
        (_run, _request) = (run, request);
        _thread = new Thread(Follow) { IsBackground = true, Name = "images" };
        _thread.Start();
    }

    /// <summary>
    /// The parts of the newest checkpoint for which they could be made; null before the first. If none could be made,
    /// the report says why.
    /// </summary>
    public LearnedView? Newest => _newest;

    /// <summary>Ends the work.</summary>
    public void Dispose()
    {
        _stop.Cancel();
        _thread.Join();
        _stop.Dispose();
    }

    private void Follow()
    {
        var seen = "";
        do
        {
            try
            {
                var version = Version();
                if (version.Length == 0)
                {
                    _newest = null; // a new run in the same folder
                }
                else if (version != seen)
                {
                    Show(Make(version));
                }

                seen = version;
            }
            catch (OperationCanceledException)
            {
                return;
            }
            catch (Exception error) // an unhandled one would end the page
            {
                seen = Version(); // the next checkpoint is another chance
                Show(new LearnedView(Failed(ExitCode.Message(error)), seen, ""));
            }
        }
        while (!_stop.Token.WaitHandle.WaitOne(LookEvery));
    }

    // A checkpoint whose images cannot be shown does not replace one whose images are shown.
    private void Show(LearnedView view)
    {
        if (view.Title.Length > 0 || _newest is not { Title.Length: > 0 })
        {
            _newest = view;
        }
        else if (view.Report.LeftOut.TryGetValue(ReportPart.Neighbors, out var why))
        {
            Console.Error.WriteLine($"moco: note: the page keeps its images: {why}");
        }
    }

    // Of the newest checkpoint; empty before the first. A new run may write one of the same name.
    private string Version()
    {
        try
        {
            return _run.Checkpoints() is [var newest, ..] && new FileInfo(newest) is { Exists: true } file
                ? Invariant($"{file.Name}:{file.Length}:{file.LastWriteTimeUtc.Ticks}")
                : "";
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            return ""; // the folder is gone
        }
    }

    private LearnedView Make(string version)
    {
        List<JsonObject> metrics = [.. RunFolder.ReadMetrics(_run.MetricsPath)];
        Dictionary<ReportPart, string> leftOut = [];
        var report = new LearnedParts(_run, _request, leftOut).AddTo(
            new RunReport { Name = _run.Path, Verdict = [] }, RunCharts.StepsPerEpoch(metrics), _stop.Token);
        return new LearnedView(
            report with { LeftOut = leftOut }, version, report.Neighbors?.Stages[^1].Title ?? "");
    }

    private RunReport Failed(string why) => new()
    {
        Name = _run.Path,
        Verdict = [],
        LeftOut = new Dictionary<ReportPart, string> { [ReportPart.Neighbors] = why },
    };
}

/// <summary>Parts of a page that need features of images.</summary>
/// <param name="Report">A report with these parts alone.</param>
/// <param name="Version">Differs for another checkpoint.</param>
/// <param name="Title">The stage of training, such as "after 2 epochs (step 78)"; empty if there are no parts.</param>
internal sealed record LearnedView(RunReport Report, string Version, string Title);
