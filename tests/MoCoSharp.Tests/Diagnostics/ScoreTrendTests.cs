using MoCoSharp.Diagnostics;

namespace MoCoSharp.Tests.Diagnostics;

public sealed class ScoreTrendTests
{
    // Of 1,000 queries, a rise from 60 % counts from 4.3 points on: 1.96 sqrt((0.24 + 0.23) / 1000).
    [Fact]
    public void AScoreThatStaysWithinTheInterval_HasNotRisenSince() =>
        Assert.Equal(
            "kNN has not risen clearly since epoch 8 (60.0 %; 62.0 % at epoch 24 of 24). The difference may be " +
            "chance, so a shorter schedule may do as well.",
            Knn(24, 20, 40, 60, 61, 63, 61, 62));

    [Fact]
    public void AScoreThatRisesUntilTheEnd_AsksForMoreEpochs() =>
        Assert.Equal(
            "kNN still rose in the last third (56.0 % at epoch 16, 68.0 % at epoch 24 of 24): more epochs may help. " +
            "A falling learning rate raises the end of any schedule; only a longer run tells.",
            Knn(24, 20, 40, 45, 50, 56, 62, 68));

    [Fact]
    public void WithoutAFallingRate_TheEndOfAScheduleIsNoReason() =>
        Assert.EndsWith(
            "more epochs may help.",
            ScoreTrend.OfKnn(Scores(20, 40, 45, 50, 56, 62, 68), 1000, 24, fallsToZero: false));

    [Fact]
    public void AScoreThatFell_IsTold() =>
        Assert.Equal(
            "kNN fell from 60.0 % at epoch 12 to 50.0 % at epoch 24 of 24.", Knn(24, 20, 40, 50, 60, 55, 52, 50));

    [Fact]
    public void BeforeTheEnd_ARestingScoreMayRiseAgain_IfTheRateStillFalls()
    {
        Assert.EndsWith(
            "(60.0 %; 62.0 % at epoch 24 of 100). The learning rate still falls, which often raises it again: " +
            "let the run end.",
            Knn(100, 20, 40, 60, 61, 63, 61, 62));
        Assert.EndsWith(
            "The run may be ended.",
            ScoreTrend.OfKnn(Scores(20, 40, 60, 61, 63, 61, 62), 1000, 100, fallsToZero: false));
    }

    [Fact]
    public void BeforeTheEnd_ARisingScore_NeedsNoWord() => Assert.Null(Knn(100, 20, 40, 45, 50, 56, 62, 68));

    [Fact]
    public void FewMeasurements_HaveNoTrend() => Assert.Null(Knn(12, 20, 60, 60, 60));

    [Fact]
    public void TheSameScores_OfFewQueries_HaveNotClearlyRisen() =>
        Assert.Contains(
            "has not risen clearly since epoch 4", ScoreTrend.OfKnn(Scores(20, 40, 45, 50, 56, 52, 58), 20, 24, true));

    // Without an interval, 3 % of the figure count.
    [Fact]
    public void AFigureWithoutAnInterval_RisesByThreePercent()
    {
        Assert.Contains(
            "LiDAR has not risen clearly since epoch 4 (10.0; 10.2 at epoch 20 of 20).",
            ScoreTrend.OfFigure("LiDAR", Scores(5, 10, 10.1, 10.3, 10.2, 10.2), 20, true));
        Assert.Contains("LiDAR still rose", ScoreTrend.OfFigure("LiDAR", Scores(5, 10, 11, 12, 13, 14), 20, true));
    }

    [Fact]
    public void AMonitorThatBeganInTheLastThird_HasNoTrendYet() =>
        Assert.Null(
            ScoreTrend.OfKnn(
                [.. Enumerable.Range(0, 5).Select(i => new EpochScore(96 + i, 0.5 + (0.05 * i)))], 1000, 100,
                fallsToZero: true));

    private static string? Knn(int epochs, params double[] percent) =>
        ScoreTrend.OfKnn(Scores([.. percent]), 1000, epochs, fallsToZero: true);

    // A score every four epochs; accuracies in percent.
    private static EpochScore[] Scores(params double[] values) =>
        [.. values.Select((value, i) => new EpochScore(4 * i, value > 14 ? value / 100 : value))];
}
