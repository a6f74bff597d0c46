using MoCoSharp.Models;
using TorchSharp;
using static TorchSharp.torch;

namespace MoCoSharp.Training;

/// <summary>Means since the last report; losses stay where they were made, and are read only for a report or a save.</summary>
/// <param name="time">The clock.</param>
/// <param name="batchSize">Images a step.</param>
/// <param name="losses">Of the steps since the last report, where a run goes on.</param>
internal sealed class ProgressMeter(TimeProvider time, int batchSize, IEnumerable<double> losses) : IDisposable
{
    private readonly List<double> _read = [.. losses];
    private readonly List<Tensor> _unread = [];
    private int _steps;
    private double _waitSeconds;
    private long _since = time.GetTimestamp();

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
        _steps++;
        _waitSeconds += waitSeconds;
    }

    public StepReport Report(long step, long total, int epoch, Tensor accuracy, double learningRate, double healthSeconds, double? communicationSeconds = null)
    {
        using var scope = NewDisposeScope();
        var loss = Losses.Average();
        var contrast = HostMemory.Floats(accuracy);
        var elapsed = Math.Max(time.GetElapsedTime(_since).TotalSeconds, 1e-9);
        var report = new StepReport(step, total, epoch, loss, contrast[0], contrast[1], learningRate, _steps * batchSize / elapsed, Math.Min(1, _waitSeconds / elapsed))
        {
            HealthShare = Math.Min(1, healthSeconds / elapsed),
            CommunicationShare = communicationSeconds is { } waited ? Math.Min(1, waited / elapsed) : null,
        };
        _read.Clear();
        RestartClock();
        return report;
    }

    /// <summary>What has passed until now, an evaluation, say, is not training time.</summary>
    public void RestartClock()
    {
        _steps = 0;
        _waitSeconds = 0;
        _since = time.GetTimestamp();
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
