using System.Net.ServerSentEvents;
using System.Runtime.CompilerServices;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using MoCoSharp.Cli.Reports;
using MoCoSharp.Report.RunReports;
using MoCoSharp.Runs;

namespace MoCoSharp.Cli.Watching;

/// <summary>The events of a watched run for one open page.</summary>
/// <remarks>
/// The id of "points" and "charts" is the cursor after them. A page that connects again names the last id, so it gets
/// each point once, also from another process.
/// </remarks>
/// <param name="live">The run.</param>
internal sealed class RunEvents(LiveRun live)
{
    private const int MostItems = 8; // of charts, at one look: a megabyte of metrics each
    private static readonly TimeSpan Reconnect = TimeSpan.FromSeconds(2);
    private static readonly TimeSpan StatusAtLeastEvery = TimeSpan.FromSeconds(15); // finds clients that have gone

    private readonly MetricsTail _tail = new(live.Folder.MetricsPath);
    private readonly Dictionary<string, string> _sent = new(StringComparer.Ordinal); // part -> version
    private string? _chartsVersion;
    private LiveStatus? _status;
    private DateTime _statusAt;
    private LiveImageParts? _images;

    /// <summary>Time between two looks at the folder.</summary>
    public TimeSpan Every { get; init; } = TimeSpan.FromSeconds(1);

    /// <summary>Yields events until the server ends or the page is closed.</summary>
    /// <param name="cursor">How much of the metrics the page has.</param>
    /// <param name="ending">Canceled when the server ends. What is new by then is still sent.</param>
    /// <param name="gone">Canceled when the page is closed.</param>
    public async IAsyncEnumerable<SseItem<string>> Read(
        string? cursor, CancellationToken ending, [EnumeratorCancellation] CancellationToken gone)
    {
        var fits = _tail.TrySeek(cursor);
        while (true)
        {
            gone.ThrowIfCancellationRequested();
            var isLast = ending.IsCancellationRequested; // asked before looking
            foreach (var item in News(ref fits, isLast))
            {
                yield return item;
            }

            if (isLast)
            {
                yield break;
            }

            using var either = CancellationTokenSource.CreateLinkedTokenSource(ending, gone);
            await Task.Delay(Every, either.Token).ContinueWith(
                _ => { }, CancellationToken.None, TaskContinuationOptions.ExecuteSynchronously, TaskScheduler.Default);
        }
    }

    private List<SseItem<string>> News(ref bool fits, bool isLast)
    {
        List<SseItem<string>> items = [];
        try
        {
            var view = live.Look(isLast);
            AddCharts(items, ref view, fits);
            fits = true;
            items.AddRange(Parts(view));
        }
        catch (Exception error) when (error is IOException or InvalidDataException or UnauthorizedAccessException)
        {
            // A file is just being replaced, or the folder is gone: the page keeps what it has.
        }

        return items;
    }

    private void AddCharts(List<SseItem<string>> items, ref LiveView view, bool fits)
    {
        if (!fits || (_chartsVersion is not null && _chartsVersion != view.ChartsVersion))
        {
            items.Add(All(view));
        }

        _chartsVersion = view.ChartsVersion;
        while (items.Count < MostItems) // the rest follows at the next look
        {
            if (!_tail.TryRead(out var lines))
            {
                view = live.Look(isLast: true); // of the file as it is now
                items.Add(All(view));
            }
            else if (lines.Count == 0)
            {
                return;
            }
            else if (RunCharts.From(view.Config, lines, view.Worth) is { Count: > 0 } charts)
            {
                items.Add(Item(
                    "points", new LiveCharts(view.Report.StepTitle, RunCharts.Titles, charts),
                    LiveJson.Default.LiveCharts, _tail.Cursor));
            }
        }
    }

    // All points up to the cursor of the report; newer ones follow.
    private SseItem<string> All(LiveView view)
    {
        _tail.TrySeek(view.Report.Live!.Cursor);
        return Item(
            "charts", new LiveCharts(view.Report.StepTitle, RunCharts.Titles, view.Report.Charts),
            LiveJson.Default.LiveCharts, view.Report.Live.Cursor);
    }

    private IEnumerable<SseItem<string>> Parts(LiveView view)
    {
        foreach (var part in view.Parts.Where(part => _sent.GetValueOrDefault(part.Name) != part.Version))
        {
            _sent[part.Name] = part.Version;
            yield return Item("part", part, LiveJson.Default.LivePart);
        }

        var images = view.Report.Live!.Images;
        if (images.Version.Length > 0 && images != _images)
        {
            _images = images;
            yield return Item("images", images, LiveJson.Default.LiveImageParts);
        }

        var status = view.Report.Live.Status;
        if (status != _status || DateTime.UtcNow - _statusAt > StatusAtLeastEvery)
        {
            (_status, _statusAt) = (status, DateTime.UtcNow);
            yield return Item("status", status, LiveJson.Default.LiveStatus);
        }
    }

    private static SseItem<string> Item<T>(string name, T data, JsonTypeInfo<T> type, string? id = null) =>
        new(JsonSerializer.Serialize(data, type), name) { EventId = id, ReconnectionInterval = Reconnect };
}
