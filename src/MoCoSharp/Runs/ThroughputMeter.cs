namespace MoCoSharp.Runs;

/// <summary>How fast a run trains.</summary>
/// <param name="Seconds">The time measured, above 0.</param>
/// <param name="ImagesPerSecond">Images trained on in a second.</param>
/// <param name="WaitShare">Share of the time spent waiting for images, 0 to 1.</param>
internal readonly record struct Throughput(double Seconds, double ImagesPerSecond, double WaitShare);

/// <summary>Measures <see cref="Throughput"/> since the last restart.</summary>
/// <param name="time">The clock.</param>
internal sealed class ThroughputMeter(TimeProvider time)
{
    private long _since = time.GetTimestamp();
    private int _images;
    private double _waitSeconds;
    private TimeSpan _leftOut;

    /// <summary>Counts the images of a step.</summary>
    /// <param name="images">Images trained on.</param>
    /// <param name="waitSeconds">Seconds that training waited for them.</param>
    public void Add(int images, double waitSeconds)
    {
        _images += images;
        _waitSeconds += waitSeconds;
    }

    /// <summary>The throughput until now.</summary>
    public Throughput Measure()
    {
        var seconds = Math.Max((time.GetElapsedTime(_since) - _leftOut).TotalSeconds, 1e-9);
        return new(seconds, _images / seconds, Math.Min(1, _waitSeconds / seconds));
    }

    /// <summary>Does not count a time in which nothing was trained.</summary>
    public void LeaveOut(TimeSpan taken) => _leftOut += taken;

    /// <summary>Begins to measure again.</summary>
    public void Restart() =>
        (_since, _images, _waitSeconds, _leftOut) = (time.GetTimestamp(), 0, 0, TimeSpan.Zero);
}
