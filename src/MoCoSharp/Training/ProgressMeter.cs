using MoCoSharp.Tensors;
using TorchSharp;
using static MoCoSharp.Tensors.Scalars;
using static TorchSharp.torch;

namespace MoCoSharp.Training;

/// <summary>Means since the last report; the loss is summed where it was made, and read only for a report.</summary>
/// <param name="time">The clock.</param>
/// <param name="batchSize">Images a step.</param>
internal sealed class ProgressMeter(TimeProvider time, int batchSize) : IDisposable
{
    private Tensor? _lossSum;
    private int _steps;
    private double _waitSeconds;
    private long _since = time.GetTimestamp();

    public void Add(Tensor loss, double waitSeconds)
    {
        using var noGrad = no_grad();
        _lossSum ??= zeros_like(loss).DetachFromDisposeScope();
        _lossSum.add_(loss, One);
        _steps++;
        _waitSeconds += waitSeconds;
    }

    public StepReport Report(long step, long total, int epoch, Tensor accuracy, double learningRate)
    {
        using var scope = NewDisposeScope();
        var loss = _lossSum!.to(float64).item<double>() / _steps; // waits for the device
        var contrast = HostMemory.Floats(accuracy);
        var elapsed = Math.Max(time.GetElapsedTime(_since).TotalSeconds, 1e-9);
        var report = new StepReport(step, total, epoch, loss, contrast[0], contrast[1], learningRate, _steps * batchSize / elapsed, Math.Min(1, _waitSeconds / elapsed));
        Restart();
        return report;
    }

    public void Restart()
    {
        _lossSum?.Dispose();
        _lossSum = null;
        _steps = 0;
        _waitSeconds = 0;
        _since = time.GetTimestamp();
    }

    public void Dispose() => _lossSum?.Dispose();
}
