using MoCoSharp.Training;

namespace MoCoSharp.Tests.Training;

/// <summary>The mean of steps after the warm-up.</summary>
public sealed class StepClockTests
{
    [Fact]
    public void LongEpochs_LeaveOutTheWarmUp()
    {
        // The first step compiles kernels; the following ones use prefetched batches.
        var clock = Timed(1000, warmUp: 4, seconds: 5, step => step == 1 ? 2 : step <= 4 ? 0.1 : 0.5);

        Assert.Equal(2, clock.First);
        Assert.Equal(0.5, clock.Step, 1e-9);
    }

    [Fact]
    public void ShortEpochs_AreTimedAsAWhole_WithTheBeginningOfEach()
    {
        var clock = Timed(5, warmUp: 3, seconds: 5, step => step % 5 == 1 ? 0.6 : 0.1);

        Assert.Equal((0.6 + (4 * 0.1)) / 5, clock.Step, 1e-9);
    }

    [Theory]
    [InlineData(1000, 9)]
    [InlineData(5, 9)]
    [InlineData(5, 60)]
    public void SlowSteps_EndSoon(int stepsPerEpoch, double seconds)
    {
        var steps = 0;

        var clock = Timed(stepsPerEpoch, warmUp: 8, seconds: 10, step =>
        {
            steps = step;
            return step == 1 ? seconds + 3 : seconds;
        });

        Assert.Equal(seconds, clock.Step, 1e-9);
        Assert.InRange(steps, 2, 3);
    }

    private static StepClock Timed(int stepsPerEpoch, int warmUp, double seconds, Func<int, double> secondsOf)
    {
        var clock = new StepClock(stepsPerEpoch, warmUp, seconds);
        var now = 0.0;
        for (var step = 1; !clock.IsDone; step++)
        {
            now += secondsOf(step);
            clock.Stepped(now);
        }

        return clock;
    }
}
