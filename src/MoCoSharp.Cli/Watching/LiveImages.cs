using System.Text.Json.Nodes;
using MoCoSharp.Cli.Reports;
using MoCoSharp.Report.RunReports;
using MoCoSharp.Runs;

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
        _thread = new Thread(Follow) { IsBackground = true, Name = "images", Priority = ThreadPriority.BelowNormal };
        _thread.Start();
    }

    /// <summary>The parts of the newest checkpoint for which they are made; null before the first.</summary>
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
        string? seen = null;
        while (!_stop.Token.WaitHandle.WaitOne(seen is null ? TimeSpan.Zero : LookEvery))
        {
            var newest = Checkpoint();
            if (newest.Length > 0 && newest != seen)
            {
                Make(newest);
            }

            seen = newest;
        }
    }

    // Empty before the first.
    private string Checkpoint()
    {
        try
        {
            return _run.Checkpoints() is [var newest, ..] ? newest : "";
        }
        catch (IOException)
        {
            return ""; // the folder is gone
        }
    }

    private void Make(string checkpoint)
    {
        try
        {
            List<JsonObject> metrics = [.. RunFolder.ReadMetrics(_run.MetricsPath)];
            Dictionary<ReportPart, string> leftOut = [];
            var report = new LearnedParts(_run, _request, leftOut).AddTo(
                new RunReport { Name = _run.Path, Verdict = [] }, RunCharts.StepsPerEpoch(metrics), _stop.Token);
            _newest = new LearnedView(
                report with { LeftOut = leftOut }, Path.GetFileNameWithoutExtension(checkpoint),
                report.Neighbors?.Stages[^1].Title ?? "");
        }
        catch (OperationCanceledException)
        {
            // The page ends.
        }
        catch (Exception error) when (error is ConfigurationException or IOException or InvalidDataException)
        {
            Console.Error.WriteLine($"moco: note: the page shows no images of {checkpoint}: {error.Message}");
        }
    }
}

/// <summary>Parts of a page that need features of images.</summary>
/// <param name="Report">A report with these parts alone.</param>
/// <param name="Version">Differs for another checkpoint.</param>
/// <param name="Title">The stage of training, such as "after 2 epochs (step 78)"; empty if there are no parts.</param>
internal sealed record LearnedView(RunReport Report, string Version, string Title);
