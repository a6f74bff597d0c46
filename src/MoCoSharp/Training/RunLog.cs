using System.Text.Json.Nodes;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace MoCoSharp.Training;

/// <summary>The numbers of a run, in metrics.jsonl and for TensorBoard.</summary>
internal sealed class RunLog : IDisposable
{
    private readonly MetricsLog _metrics;
    private readonly SummaryWriter _board;
    private readonly HashSet<long> _knnSteps;

    public RunLog(RunFolder run, long step)
    {
        _metrics = new MetricsLog(run.MetricsPath, step);
        _knnSteps = [.. MetricsLog.Read(run.MetricsPath).Where(line => line.ContainsKey("knn")).Select(line => line["step"]!.GetValue<long>())];
        _board = utils.tensorboard.SummaryWriter(run.TensorBoardPath);
    }

    public bool HasKnn(long step) => _knnSteps.Contains(step);

    public void Write(StepReport report)
    {
        _metrics.Write(new JsonObject
        {
            ["step"] = report.Step,
            ["epoch"] = report.Epoch,
            ["loss"] = report.Loss,
            ["contrastAccuracy"] = report.ContrastAccuracy,
            ["contrastAccuracy5"] = report.ContrastAccuracy5,
            ["learningRate"] = report.LearningRate,
            ["imagesPerSecond"] = Math.Round(report.ImagesPerSecond, 1),
            ["waitShare"] = Math.Round(report.WaitShare, 4),
        });
        Scalar("train/loss", report.Loss, report.Step);
        Scalar("train/contrast accuracy", report.ContrastAccuracy, report.Step);
        Scalar("train/contrast accuracy at 5", report.ContrastAccuracy5, report.Step);
        Scalar("train/learning rate", report.LearningRate, report.Step);
        Scalar("speed/images per second", report.ImagesPerSecond, report.Step);
        Scalar("speed/share waiting for data", report.WaitShare, report.Step);
    }

    public void Write(KnnReport report)
    {
        _knnSteps.Add(report.Step);
        _metrics.Write(new JsonObject
        {
            ["step"] = report.Step,
            ["epoch"] = report.Epoch,
            ["knn"] = report.Accuracy,
            ["protocol"] = report.Protocol,
            ["seconds"] = Math.Round(report.Seconds, 2),
        });
        Scalar("evaluation/knn", report.Accuracy, report.Step);
    }

    public void Dispose() => _metrics.Dispose();

    private void Scalar(string tag, double value, long step) => _board.add_scalar(tag, (float)value, (int)step);
}
