using MoCoSharp.Models;
using MoCoSharp.Runs;
using TorchSharp;
using static TorchSharp.torch;

namespace MoCoSharp.Training;

/// <summary>Losses and speed since the last report. Losses stay on their device until a report or a save.</summary>
/// <param name="time">The clock.</param>
/// <param name="batchSize">Images in a step.</param>
/// <param name="losses">The losses since the last report, of a run that resumes.</param>
internal sealed class ProgressMeter(TimeProvider time, int batchSize, IEnumerable<double> losses) : IDisposable
{
    private readonly List<double> _read = [.. losses];
    private readonly List<Tensor> _unread = [];
    private readonly ThroughputMeter _throughput = new(time);

    /// <summary>The losses since the last report, oldest first.</summary>
    public IReadOnlyList<double> Losses
    {
        get
        {
            if (_unread.Count > 0)
            {
                using var scope = NewDisposeScope();
                _read.AddRange(stack(_unread).to(float64).cpu().data<double>().ToArray()); // waits for the device
                Forget();
            }

            return [.. _read];
        }
    }

    public void Add(Tensor loss, double waitSeconds)
    {
        _unread.Add(loss.detach().DetachFromDisposeScope());
        _throughput.Add(batchSize, waitSeconds);
    }

    public StepReport Report(
        long step, long total, int epoch, Tensor accuracy, double learningRate, double healthSeconds,
        double? communicationSeconds = null)
    {
        using var scope = NewDisposeScope();
        var loss = Losses.Average();
        var contrast = HostMemory.Floats(accuracy);
        var speed = _throughput.Measure();
        var report = new StepReport(
            step, total, epoch, loss, contrast[0], contrast[1], learningRate, speed.ImagesPerSecond, speed.WaitShare)
        {
            HealthShare = Math.Min(1, healthSeconds / speed.Seconds),
            CommunicationShare = communicationSeconds is { } waited ? Math.Min(1, waited / speed.Seconds) : null,
        };
        _read.Clear();
        _throughput.Restart();
        return report;
    }

    /// <summary>Runs what is not training, such as an evaluation, and leaves out its time.</summary>
    public void LeaveOut(Action work)
    {
        var begun = time.GetTimestamp();
        work();
        _throughput.LeaveOut(time.GetElapsedTime(begun));
    }

    public void Dispose() => Forget();

    private void Forget()
    {
        foreach (var loss in _unread)
        {
            loss.Dispose();
        }

        _unread.Clear();
    }
}
