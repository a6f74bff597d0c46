using System.Diagnostics;
using System.Globalization;
using MoCoSharp.Cli.Reports;
using MoCoSharp.Diagnostics;
using MoCoSharp.Report.RunReports;
using MoCoSharp.Runs;

namespace MoCoSharp.Cli.Watching;

/// <summary>What a watched run shows now.</summary>
/// <param name="Report">The report, with the status of the run.</param>
/// <param name="Config">The configuration of the run.</param>
/// <param name="Worth">The baselines of the run; null if it was not measured.</param>
/// <param name="Parts">
/// The parts that can be replaced in an open page: all but the curves and those that scripts and styles fill.
/// </param>
/// <param name="ChartsVersion">Differs if the charts must be replaced, and not only get new points.</param>
internal sealed record LiveView(
    RunReport Report, RunConfig Config, RunWorth? Worth, IReadOnlyList<LivePart> Parts, string ChartsVersion);

/// <summary>
/// The report of a run that may be training, made again when its files change. All clients of a server share it.
/// </summary>
/// <remarks>It only reads the folder, uses no tensors, and takes at most 2 % of one core for the report.</remarks>
/// <param name="run">The run folder.</param>
/// <param name="totalSteps">Steps of the whole run, if this process trains; else null.</param>
/// <param name="images">The parts that need features of images; null leaves them out.</param>
internal sealed class LiveRun(RunFolder run, long? totalSteps = null, LiveImages? images = null)
{
    private const int CostFactor = 50; // a report that took 0.2 s is made again after 10 s
    private static readonly TimeSpan LookEvery = TimeSpan.FromSeconds(0.5);
    private static readonly TimeSpan ReportEvery = TimeSpan.FromSeconds(2);

    private readonly Lock _gate = new();
    private readonly RunStatusReader _status = new(run, totalSteps) { TrainsHere = totalSteps is not null };
    private LiveView? _view;
    private string _stamp = "";
    private long _lookedAt;
    private long _reportedAt;
    private TimeSpan _reportEvery = ReportEvery;

    /// <summary>The run folder.</summary>
    public RunFolder Folder => run;

    /// <summary>Says that this process no longer trains in the folder.</summary>
    public void EndTraining()
    {
        lock (_gate)
        {
            _status.TrainsHere = false;
        }
    }

    /// <summary>Reads what has changed.</summary>
    /// <param name="isLast">Whether to make the report even if it was made a moment ago.</param>
    /// <exception cref="IOException">The folder cannot be read.</exception>
    /// <exception cref="InvalidDataException">Its configuration cannot be read.</exception>
    public LiveView Look(bool isLast = false)
    {
        lock (_gate)
        {
            if (!isLast && _view is not null && Stopwatch.GetElapsedTime(_lookedAt) < LookEvery)
            {
                return _view;
            }

            var stamp = Stamp();
            var isDue = isLast || Stopwatch.GetElapsedTime(_reportedAt) >= _reportEvery;
            if (_view is null || (isDue && stamp != _stamp))
            {
                _view = Report();
                _stamp = stamp; // read before the report: a change meanwhile is seen the next time
            }

            var status = _status.Read(_view.Config);
            _view = _view with { Report = _view.Report with { Live = _view.Report.Live! with { Status = status } } };
            _lookedAt = Stopwatch.GetTimestamp();
            return _view;
        }
    }

    private LiveView Report()
    {
        var began = Stopwatch.GetTimestamp();
        var config = run.ReadConfig();
        var tail = new MetricsTail(run.MetricsPath);
        tail.SeekEnd(); // before the report: points that come meanwhile are sent too
        var report = new RunReportBuilder(run, images: null).Create(CancellationToken.None) with
        {
            Live = new LivePage(_status.Read(config), tail.Cursor, new LiveImageParts("", "")),
        };
        report = WithImages(report);
        var worth = RunWorth.Read(run);
        _reportedAt = Stopwatch.GetTimestamp();
        var cost = Stopwatch.GetElapsedTime(began, _reportedAt) * CostFactor;
        _reportEvery = cost > ReportEvery ? cost : ReportEvery;
        return new LiveView(
            report, config, worth, [.. RunReportPage.Parts(report).Where(CanBeReplaced)],
            Change(Path.Combine(run.Path, "baselines.json")) + Change(run.ConfigPath)); // the reference lines
    }

    private RunReport WithImages(RunReport report)
    {
        if (images is null)
        {
            return report;
        }

        if (images.Newest is not { } newest)
        {
            Dictionary<ReportPart, string> why = new(report.LeftOut)
            {
                [ReportPart.Neighbors] = "they are being computed, or there is no checkpoint yet.",
            };
            return report with { LeftOut = why };
        }

        report = report.WithImagesOf(newest.Report);
        return newest.Title.Length == 0 ? report : report with
        {
            Live = report.Live! with { Images = new LiveImageParts(newest.Version, newest.Title) },
        };
    }

    // Charts get new points instead, and the images of a page are in its styles.
    private bool CanBeReplaced(LivePart part) => part.Name != RunReportPage.Anchor(ReportPart.Curves)
        && (images?.Newest is not { Title.Length: > 0 }
            || !RunReport.OfImages.Select(RunReportPage.Anchor).Contains(part.Name));

    // Differs if a file that the report shows has changed.
    private string Stamp()
    {
        var evaluations = Path.Combine(run.Path, "evaluations");
        string[] files =
        [
            run.MetricsPath, run.ConfigPath, run.DivergedPath, run.ViewsPath,
            Path.Combine(run.Path, "baselines.json"), run.EnvironmentPath,
            .. Directory.Exists(evaluations) ? Directory.GetFiles(evaluations).Order(StringComparer.Ordinal)
                : Enumerable.Empty<string>(),
        ];
        return string.Concat(files.Select(Change)) + images?.Newest?.Version;
    }

    private static string Change(string path)
    {
        var file = new FileInfo(path);
        return file.Exists
            ? string.Create(CultureInfo.InvariantCulture, $"{file.Name}:{file.Length}:{file.LastWriteTimeUtc.Ticks};")
            : "";
    }
}
