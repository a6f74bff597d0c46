using MoCoSharp.Runs;

namespace MoCoSharp.Tests.Runs;

public sealed class RetentionTests
{
    // Ten epochs of ten steps, a save at each half; the monitor likes epoch 3 best, then 7.
    private static readonly List<KeptCheckpoint> All =
        [
            .. Enumerable
                .Range(1, 20)
                .Select(i => new KeptCheckpoint(
                    i * 5,
                    i % 2 == 0 ? i / 2 : null,
                    i % 2 == 0
                        ? i switch
                        {
                            6 => 0.9,
                            14 => 0.8,
                            _ => 0.5,
                        }
                        : null)),
        ];

    [Theory]
    [InlineData(1, 0, 0, "100")]
    [InlineData(3, 0, 0, "90 95 100")]
    [InlineData(1, 4, 0, "40 80 100")]
    [InlineData(1, 0, 1, "30 100")]
    [InlineData(2, 5, 2, "30 50 70 95 100")]
    [InlineData(100, 0, 0, "5 10 15 20 25 30 35 40 45 50 55 60 65 70 75 80 85 90 95 100")]
    public void TheLastN_EveryMthEpoch_AndTheBestK_Stay(int keep, int everyEpochs, int best, string expected)
    {
        var gone = Retention.FindSuperfluous(
            All,
            new CheckpointOptions
            {
                Keep = keep,
                KeepEveryEpochs = everyEpochs,
                KeepBest = best,
            });
        Assert.Equal(expected, string.Join(' ', All.Select(item => item.Step).Except(gone)));
    }

    [Fact]
    public void OfEqualScores_TheLaterIsBetter()
    {
        var gone = Retention.FindSuperfluous(
            [new(1, 1, 0.5), new(2, 2, 0.5), new(3, 3, null)],
            new CheckpointOptions { Keep = 1, KeepBest = 1 });
        Assert.Equal([1], gone);
    }
}
