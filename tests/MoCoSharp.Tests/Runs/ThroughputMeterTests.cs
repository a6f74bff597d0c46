using MoCoSharp.Runs;

namespace MoCoSharp.Tests.Runs;

public sealed class ThroughputMeterTests
{
    private readonly ManualTime _time = new();

    [Fact]
    public void Throughput_IsImagesAndWaitingBySecond_SinceTheLastRestart()
    {
        var meter = new ThroughputMeter(_time);
        meter.Add(images: 100, waitSeconds: 5);
        _time.Advance(TimeSpan.FromSeconds(7));
        meter.Restart();

        meter.Add(images: 30, waitSeconds: 1);
        meter.Add(images: 10, waitSeconds: 0);
        _time.Advance(TimeSpan.FromSeconds(4));

        Assert.Equal(new Throughput(4, 10, 0.25), meter.Measure());
    }

    [Fact]
    public void Throughput_KeepsTheImagesBeforeAnEvaluation_WithoutItsTime()
    {
        var meter = new ThroughputMeter(_time);
        meter.Add(images: 30, waitSeconds: 1);
        _time.Advance(TimeSpan.FromSeconds(2));
        _time.Advance(TimeSpan.FromSeconds(60)); // evaluates
        meter.LeaveOut(TimeSpan.FromSeconds(60));
        meter.Add(images: 10, waitSeconds: 0);
        _time.Advance(TimeSpan.FromSeconds(2));

        Assert.Equal(new Throughput(4, 10, 0.25), meter.Measure());

        meter.Restart();
        meter.Add(images: 6, waitSeconds: 0);
        _time.Advance(TimeSpan.FromSeconds(3));
        Assert.Equal(new Throughput(3, 2, 0), meter.Measure());
    }

    [Fact]
    public void WaitShare_IsAtMostOne() // two loaders may wait at once
    {
        var meter = new ThroughputMeter(_time);
        meter.Add(images: 1, waitSeconds: 9);
        _time.Advance(TimeSpan.FromSeconds(2));

        Assert.Equal(1, meter.Measure().WaitShare);
    }
}
