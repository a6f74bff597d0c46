using System.Text.Json.Nodes;
using MoCoSharp.Cli.Progress;
using MoCoSharp.Data;
using MoCoSharp.PyTorch;
using MoCoSharp.Report.RunReports;
using MoCoSharp.Runs;
using static System.FormattableString;

namespace MoCoSharp.Cli.Watching;

/// <summary>Says how far a run is, from new lines of its metrics and its newest checkpoint.</summary>
/// <param name="run">The run folder.</param>
/// <param name="totalSteps">Steps of the whole run; null asks the newest checkpoint.</param>
internal sealed class RunStatusReader(RunFolder run, long? totalSteps)
{
    private const int ReportsKept = 20; // whose speed is averaged

    private readonly MetricsTail _tail = new(run.MetricsPath);
    private readonly Queue<double> _costs = []; // seconds per image
    private long _step;
    private int _epoch;
    private string? _score; // the latest kNN accuracy, or effective rank
    private (string Path, int Batches) _newest = ("", 0); // the newest checkpoint that was asked

    /// <summary>Whether this process trains in the folder.</summary>
    public bool TrainsHere { get; set; }

    /// <summary>Reads what is new.</summary>
    /// <param name="config">The configuration of the run.</param>
    public LiveStatus Read(RunConfig config)
    {
        IReadOnlyList<JsonObject> lines;
        do
        {
            if (!_tail.TryRead(out lines))
            {
                _costs.Clear();
                (_step, _epoch, _score) = (0, 0, null);
                continue;
            }

            foreach (var line in lines)
            {
                Add(line);
            }
        }
        while (lines.Count > 0);

        var checkpoints = run.Checkpoints();
        var step = Math.Max(_step, checkpoints is [var newest, ..] ? RunFolder.StepOf(newest) : 0);
        var total = totalSteps ?? Total(config, checkpoints);
        var isTraining = TrainsHere || run.Holder() is not null;
        var state = File.Exists(run.DivergedPath) ? "diverged"
            : isTraining ? "training"
            : step > 0 && step >= total ? "finished"
            : "stopped";
        var text = state switch
        {
            "stopped" when step == 0 && File.Exists(run.ImportPath) => "Imported, and not trained here.",
            "diverged" => $"The loss became NaN or infinite after step {step}. Health names the cause and the cure.",
            "training" => Progress(config, step, total),
            "finished" => $"All {step} steps are done{AndScore}.",
            _ => $"After step {step}{Of(total)}{AndScore}. `moco pretrain --resume --run " +
                $"{Shell.Quote(run.Path)}` continues.",
        };
        return new LiveStatus(Path.GetFullPath(run.Path), state, text);
    }

    private string AndScore => _score is null ? "" : $", {_score}";

    private static string Of(long? total) => total is null ? "" : $" of {total}";

    private string Progress(RunConfig config, long step, long? total)
    {
        if (_step == 0 && _score is null)
        {
            return "No figures yet.";
        }

        var left = total is { } all && _costs.Count > 0
            ? TimeSpan.FromSeconds(Math.Max(0, all - step) * config.BatchSize * _costs.Average())
            : (TimeSpan?)null;
        var time = step >= total ? ", all steps done: the last evaluation"
            : left is { } span ? $", about {TimeLeft.Text(span)} left"
            : "";
        return $"epoch {_epoch} of {config.Epochs}, step {step}{Of(total)}{time}{AndScore}";
    }

    private void Add(JsonObject line)
    {
        _step = (long)line["step"]!;
        _epoch = (int)(Number(line["epoch"]) ?? _epoch);
        if (Number(line["imagesPerSecond"]) is > 0 and var rate)
        {
            _costs.Enqueue(1 / rate);
            while (_costs.Count > ReportsKept)
            {
                _costs.Dequeue();
            }
        }

        if (Number(line["knn"]) is { } knn)
        {
            _score = Invariant($"kNN {100 * knn:F1} % after epoch {_epoch}");
        }
        else if (_score?.StartsWith("kNN", StringComparison.Ordinal) != true
            && Number((line["labelFree"] as JsonObject)?["headRank"]) is { } rank)
        {
            _score = Invariant($"effective rank {rank:F1} (head) after epoch {_epoch}");
        }
    }

    private static double? Number(JsonNode? node) =>
        node is JsonValue value && value.TryGetValue<double>(out var number) ? number : null;

    // Null before the first checkpoint.
    private long? Total(RunConfig config, IReadOnlyList<string> checkpoints)
    {
        if (checkpoints is [var newest, ..] && newest != _newest.Path)
        {
            try
            {
                var metadata = SafeTensors.ReadHeader(newest).Metadata;
                _ = int.TryParse(metadata.GetValueOrDefault("batchesPerEpoch"), out var batches);
                _newest = (newest, batches);
            }
            catch (Exception error) when (error is InvalidDataException or IOException)
            {
                // It was just removed, or is broken.
            }
        }

        return _newest.Batches > 0 ? (long)_newest.Batches * config.Epochs : null;
    }
}
