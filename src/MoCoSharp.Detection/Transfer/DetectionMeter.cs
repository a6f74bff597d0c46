using MoCoSharp.Detection.Datasets;

namespace MoCoSharp.Detection.Transfer;

/// <summary>Images a second, and the share of the time spent waiting for them, since the last question.</summary>
internal sealed class DetectionMeter(TimeProvider time)
{
    private long _since = time.GetTimestamp();
    private int _images;
    private double _waited;

    public void Add(DetectionBatch batch)
    {
        _images += batch.Views.Count;
        _waited += batch.WaitSeconds;
    }

    public (double ImagesPerSecond, double WaitShare) Take()
    {
        var elapsed = Math.Max(time.GetElapsedTime(_since).TotalSeconds, 1e-9);
        var answer = (_images / elapsed, Math.Min(1, _waited / elapsed));
        (_since, _images, _waited) = (time.GetTimestamp(), 0, 0);
        return answer;
    }
}
