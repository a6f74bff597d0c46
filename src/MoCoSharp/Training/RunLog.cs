using System.Text.Json.Nodes;
using MoCoSharp.Diagnostics;
using MoCoSharp.Optimization;
using MoCoSharp.Runs;

namespace MoCoSharp.Training;

/// <summary>Writes the metrics of a run to metrics.jsonl and TensorBoard.</summary>
internal sealed class RunLog : IDisposable
{
    private readonly MetricsLog? _metrics; // null except on the first rank, which writes
    private readonly TensorBoardLog? _board;
    private readonly TensorBoardLog? _random;
    private readonly TensorBoardLog? _uninformed;
    private readonly Dictionary<long, double> _knn = [];
    private readonly HashSet<long> _labelFree = [];
    private readonly List<HealthLine> _health = [];
    private readonly HashSet<string> _diagnoses = [];
    private readonly Action<string> _warn;
    private bool _warned;

    /// <summary>Continues the log of a run. Without a run, keeps reports in memory and writes nothing.</summary>
    public RunLog(RunFolder? run, long step, Action<string> warn, TimeProvider time)
    {
        _warn = warn;
        if (run is null)
        {
            return;
        }

        _metrics = new MetricsLog(run.MetricsPath, step);
        foreach (var line in MetricsLog.Read(run.MetricsPath))
        {
            if (line.ContainsKey("knn"))
            {
                _knn[line["step"]!.GetValue<long>()] = line["knn"]!.GetValue<double>();
            }
            else if (line.ContainsKey("labelFree"))
            {
                _labelFree.Add(line["step"]!.GetValue<long>());
            }
            else if (HealthLine.From(line) is { } health)
            {
                Remember(health);
            }
            else if (line["verdict"] is JsonValue verdict)
            {
                _diagnoses.Add((string)verdict!);
            }
        }

        _board = new TensorBoardLog(run.TensorBoardPath, time);
        _random = new TensorBoardLog(Path.Combine(run.TensorBoardPath, "if-negatives-were-random"), time);
        _uninformed = new TensorBoardLog(Path.Combine(run.TensorBoardPath, "if-uninformed"), time);
        if (step == 0)
        {
            _board.Text(
                "health",
                string.Join("\n", HealthFigure.All.Select(figure => $"- **{figure.Name}**: {figure.Meaning}")));
        }
    }

    /// <summary>The latest reports that have figures, oldest first.</summary>
    public IReadOnlyList<HealthLine> Health => _health;

    /// <summary>Accuracies of the kNN monitor, by step.</summary>
    public IReadOnlyDictionary<long, double> Knn => _knn;

    /// <summary>Steps with label-free measures.</summary>
    public IReadOnlySet<long> LabelFree => _labelFree;

    public void Write(StepReport report)
    {
        var line = new JsonObject
        {
            ["step"] = report.Step,
            ["epoch"] = report.Epoch,
            ["loss"] = report.Loss,
            ["contrastAccuracy"] = report.ContrastAccuracy,
            ["contrastAccuracy5"] = report.ContrastAccuracy5,
            ["learningRate"] = report.LearningRate,
            ["imagesPerSecond"] = Math.Round(report.ImagesPerSecond, 1),
            ["waitShare"] = Math.Round(report.WaitShare, 4),
        };
        if (report.CommunicationShare is { } communication)
        {
            line["communicationShare"] = Math.Round(communication, 4);
            Scalar("speed/share waiting for other processes", communication, report.Step);
        }

        if (report.LeftOut is { } leftOut)
        {
            line["leftOut"] = leftOut.ToJson();
        }

        if (report.Health is { } health)
        {
            line["healthShare"] = Math.Round(report.HealthShare, 5);
            line["health"] = health.ToJson();
            foreach (var figure in HealthFigure.All)
            {
                if (figure.Value(health) is { } value)
                {
                    Scalar($"health/{figure.Name}", value, report.Step);
                }
            }

            // The same tag in separate folders, so that TensorBoard draws these lines in the chart of the loss.
            if (health.LossIfRandom is { } random && health.ChanceLoss is { } uninformed)
            {
                _random?.Scalar("train/loss", random, report.Step);
                _uninformed?.Scalar("train/loss", uninformed, report.Step);
            }
        }

        Write(line);
        if (HealthLine.From(line) is { } looked)
        {
            Remember(looked);
        }
        Scalar("train/loss", report.Loss, report.Step);
        Scalar("train/contrast accuracy", report.ContrastAccuracy, report.Step);
        Scalar("train/contrast accuracy at 5", report.ContrastAccuracy5, report.Step);
        Scalar("train/learning rate", report.LearningRate, report.Step);
        Scalar("speed/images per second", report.ImagesPerSecond, report.Step);
        Scalar("speed/share waiting for data", report.WaitShare, report.Step);
    }

    public void Write(KnnReport report)
    {
        _knn[report.Step] = report.Accuracy;
        var line = new JsonObject
        {
            ["step"] = report.Step,
            ["epoch"] = report.Epoch,
            ["knn"] = report.Accuracy,
            ["protocol"] = report.Protocol,
            ["seconds"] = Math.Round(report.Seconds, 2),
        };
        if (report.LeftOut > 0)
        {
            line["imagesLeftOut"] = report.LeftOut;
        }

        Write(line);
        Scalar("evaluation/knn", report.Accuracy, report.Step);
    }

    public void Write(LabelFreeReport report)
    {
        _labelFree.Add(report.Step);
        Write(new JsonObject
        {
            ["step"] = report.Step,
            ["epoch"] = report.Epoch,
            ["labelFree"] = report.Figures.ToJson(),
            ["seconds"] = Math.Round(report.Figures.Seconds, 2),
        });
        Scalar("evaluation/effective rank, pooled", report.Figures.PooledRank, report.Step);
        Scalar("evaluation/effective rank, head", report.Figures.HeadRank, report.Step);
        if (report.Figures.Lidar is { } lidar)
        {
            Scalar("evaluation/LiDAR", lidar, report.Step);
        }
    }

    /// <summary>Writes a diagnosis, once for each kind.</summary>
    /// <returns>False if it was written before.</returns>
    public bool Write(Diagnosis diagnosis)
    {
        if (!_diagnoses.Add(diagnosis.Id))
        {
            return false;
        }

        Write(new JsonObject
        {
            ["step"] = diagnosis.Step,
            ["verdict"] = diagnosis.Id,
            ["finding"] = diagnosis.Finding,
            ["evidence"] = diagnosis.Evidence,
            ["cause"] = diagnosis.Cause,
            ["cure"] = diagnosis.Cure,
        });
        return true;
    }

    /// <summary>Writes pending lines to disk. Thread-safe.</summary>
    public void Flush() => _metrics?.Flush();

    public void Dispose()
    {
        _metrics?.Dispose();
        _board?.Dispose();
        _random?.Dispose();
        _uninformed?.Dispose();
    }

    private void Remember(HealthLine line)
    {
        const int most = 200; // the rules look at five, and at the last probe
        _health.Add(line);
        if (_health.Count > 2 * most)
        {
            _health.RemoveRange(0, most);
        }
    }

    private void Write(JsonObject line)
    {
        _metrics?.Write(line);
        if (_metrics?.Fault is { } fault && !_warned)
        {
            _warn($"metrics.jsonl cannot be written: {fault} Lines wait in memory until it can.");
        }

        _warned = _metrics?.Fault is not null;
    }

    private void Scalar(string tag, double value, long step) => _board?.Scalar(tag, value, step);
}
