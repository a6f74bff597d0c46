using MoCoSharp.Detection.Datasets;
using MoCoSharp.Runs;

namespace MoCoSharp.Detection.Transfer;

/// <summary>The losses and the speed since the last report.</summary>
/// <param name="time">The clock.</param>
/// <param name="losses">The losses since the last report, of a run that resumes: four for each step.</param>
internal sealed class DetectionMeter(TimeProvider time, IEnumerable<double[]> losses)
{
    private readonly List<double[]> _losses = [.. losses];
    private readonly ThroughputMeter _throughput = new(time);

    /// <summary>The losses of the steps since the last report, oldest first.</summary>
    public IReadOnlyList<double[]> Losses => _losses;

    /// <summary>Counts a step.</summary>
    /// <param name="batch">Its images.</param>
    /// <param name="losses">Objectness, proposal, classification, location.</param>
    public void Add(DetectionBatch batch, double[] losses)
    {
        _losses.Add(losses);
        _throughput.Add(batch.Views.Count, batch.WaitSeconds);
    }

    /// <summary>Reports, and begins to measure again.</summary>
    public DetectionReport Report(long step, long totalSteps, double learningRate)
    {
        var means = Enumerable.Range(0, 4).Select(i => _losses.Average(parts => parts[i])).ToArray();
        var speed = _throughput.Measure();
        _losses.Clear();
        RestartClock();
        return new(
            step, totalSteps, means.Sum(), means[0], means[1], means[2], means[3], learningRate,
            speed.ImagesPerSecond, speed.WaitShare);
    }

    /// <summary>Leaves out the time until now.</summary>
    public void RestartClock() => _throughput.Restart();
}
