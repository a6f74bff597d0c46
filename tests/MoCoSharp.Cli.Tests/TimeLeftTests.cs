using MoCoSharp.Cli.Progress;

namespace MoCoSharp.Cli.Tests;

public sealed class TimeLeftTests
{
    private readonly Clock clock = new();

    [Fact]
    public void Estimate_SaysNothing_BeforeSomeStepsAfterTheWarmUp()
    {
        var left = new TimeLeft(clock);
        Step(left, 1, seconds: 60); // loads everything
        Step(left, 2, seconds: 5);
        Assert.Null(left.Estimate(100));

        Step(left, 3, seconds: 2);
        Step(left, 4, seconds: 2);
        Assert.Null(left.Estimate(100));

        Step(left, 5, seconds: 2);
        Assert.Equal(TimeSpan.FromSeconds(2 * (100 - 5)), left.Estimate(100));
    }

    [Fact]
    public void Estimate_LeavesOutEvaluations()
    {
        var left = new TimeLeft(clock);
        for (var step = 1; step <= 10; step++)
        {
            Step(left, step, seconds: 3);
        }

        left.Pause();
        clock.Now += 3600 * Clock.PerSecond;
        Step(left, 11, seconds: 3);

        Assert.Equal(TimeSpan.FromSeconds(3 * (20 - 11)), left.Estimate(20));
    }

    [Fact]
    public void Estimate_FollowsTheLastMinute()
    {
        var left = new TimeLeft(clock);
        for (var step = 1; step <= 100; step++)
        {
            Step(left, step, seconds: step <= 50 ? 10 : 2);
        }

        Assert.Equal(TimeSpan.FromSeconds(200), left.Estimate(200));
    }

    [Fact]
    public void Estimate_OfARunThatWasResumed_CountsItsOwnStepsAlone()
    {
        var left = new TimeLeft(clock);
        for (var step = 5001; step <= 5006; step++)
        {
            Step(left, step, seconds: 2);
        }

        Assert.Equal(TimeSpan.FromSeconds(2 * (6000 - 5006)), left.Estimate(6000));
    }

    [Theory]
    [InlineData(0, "0:00:00")]
    [InlineData(265, "0:04:25")]
    [InlineData(36_000, "10:00:00")]
    [InlineData(284_400, "3 d 7 h")]
    public void Text_ReadsAsAClockOrAsDays(int seconds, string expected) =>
        Assert.Equal(expected, TimeLeft.Text(TimeSpan.FromSeconds(seconds)));

    private void Step(TimeLeft left, long step, int seconds)
    {
        clock.Now += seconds * Clock.PerSecond;
        left.Stepped(step);
    }

    private sealed class Clock : TimeProvider
    {
        public const long PerSecond = 1000;

        public long Now { get; set; }

        public override long TimestampFrequency => PerSecond;

        public override long GetTimestamp() => Now;
    }
}
