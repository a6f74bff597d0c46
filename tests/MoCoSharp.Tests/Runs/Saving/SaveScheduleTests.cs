using MoCoSharp.Runs;

namespace MoCoSharp.Tests.Runs;

public sealed class SaveScheduleTests
{
    [Fact]
    public void Backoff_Doubles_FromASecondToAMinute()
    {
        var waits = new List<double>();
        for (var wait = Backoff.Next(TimeSpan.Zero); waits.Count < 9; wait = Backoff.Next(wait))
        {
            waits.Add(wait.TotalSeconds);
        }

        Assert.Equal([1, 2, 4, 8, 16, 32, 60, 60, 60], waits);
    }

    [Fact]
    public void EverySteps_IsDueAtMultiples_AndZeroIsNever()
    {
        var due = new SaveSchedule(new CheckpointOptions { EverySteps = 3, EveryMinutes = 0 }, new ManualTime());
        var never = new SaveSchedule(new CheckpointOptions { EverySteps = 0, EveryMinutes = 0 }, new ManualTime());

        Assert.Equal([3L, 6L], Enumerable.Range(1, 8).Select(step => (long)step).Where(due.IsDue));
        Assert.False(never.IsDue(3));
    }

    [Fact]
    public void EveryMinutes_CountsFromTheLastBegin()
    {
        var time = new ManualTime();
        var schedule = new SaveSchedule(new CheckpointOptions { EveryMinutes = 15 }, time);

        time.Advance(TimeSpan.FromMinutes(14));
        Assert.False(schedule.IsDue(1));
        time.Advance(TimeSpan.FromMinutes(1));
        Assert.True(schedule.IsDue(1));
        schedule.Begin();
        Assert.False(schedule.IsDue(1));
    }

    [Fact]
    public void AFailedSave_IsDueAgainAfterTheBackoff_UntilOneSucceeds()
    {
        var time = new ManualTime();
        var schedule = new SaveSchedule(new CheckpointOptions { EveryMinutes = 0 }, time);
        schedule.Begin();
        schedule.End(isSaved: false);

        Assert.False(schedule.IsDue(1));
        time.Advance(TimeSpan.FromSeconds(1));
        Assert.True(schedule.IsDue(1));

        schedule.Begin();
        schedule.End(isSaved: false);
        time.Advance(TimeSpan.FromSeconds(1));
        Assert.False(schedule.IsDue(1)); // two seconds after the second failure
        time.Advance(TimeSpan.FromSeconds(1));
        Assert.True(schedule.IsDue(1));

        schedule.Begin();
        schedule.End(isSaved: true);
        time.Advance(TimeSpan.FromMinutes(60));
        Assert.False(schedule.IsDue(1));
    }
}
