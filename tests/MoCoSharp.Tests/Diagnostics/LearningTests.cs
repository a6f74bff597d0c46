using MoCoSharp.Diagnostics;
using MoCoSharp.Methods;
using MoCoSharp.Runs;

namespace MoCoSharp.Tests.Diagnostics;

public sealed class LearningTests
{
    private static readonly RunConfig Config = new()
    {
        BatchSize = 128,
        MoCo = new MoCoOptions { Dimension = 128, QueueSize = 4096 },
    };

    [Fact]
    public void ALossNearThatOfNothing_WithContrastNearChance_IsNoLearningYet()
    {
        var said = Learning.NotYet(Config, [Line(0.03, 6.2, 0)], []);
        Assert.Contains("the run has hardly learned yet: the loss is 8.00 (chance: 8.32)", said);
        Assert.Contains("contrast accuracy is 3.0", said);
        Assert.Contains("6.2 of 127 directions", said);
    }

    [Theory]
    [InlineData(0.03, 60, 8.0, true)]
    [InlineData(0.6, 6, 8.0, true)]
    [InlineData(0.6, 60, 8.0, false)]
    [InlineData(0.03, 6, 6.0, false)] // well below 8.32: it knows something
    public void OneSignBesideTheLoss_IsEnough(double contrast, double rank, double loss, bool isSaid) =>
        Assert.Equal(isSaid, Learning.NotYet(Config, [Line(contrast, rank, 0) with { Loss = loss }], []) is not null);

    [Theory]
    [InlineData(0.20, 0.40, false)]
    [InlineData(0.20, 0.21, true)]
    public void AMonitorThatHasRisen_SaysOtherwise(double untrained, double now, bool isSaid) =>
        Assert.Equal(isSaid, Learning.NotYet(Config, [Line(0.03, 6, 0)], [untrained, now]) is not null);

    [Fact]
    public void ASmallQueue_RaisesWhatChanceGives()
    {
        var small = Config with { MoCo = new MoCoOptions { Dimension = 128, QueueSize = 32 } };
        Assert.NotNull(Learning.NotYet(small, [Line(0.2, 60, 0)], [])); // 1 of 33 by chance, ten times that is little
        Assert.Null(Learning.NotYet(small, [Line(0.4, 60, 0)], []));
    }

    [Fact]
    public void WithoutFigures_NothingIsSaid() => Assert.Null(Learning.NotYet(Config, [], []));

    [Fact]
    public void ManyKeysOfTheOwnImage_AreToldAtOnce_BeforeTheQueueIsFull()
    {
        var diagnosis = Assert.Single(DiagnosisRules.Apply(Config, 399, [Line(0.03, 6, 9.891)]));
        Assert.Equal("queue", diagnosis.Id);
        Assert.Contains("9.9 negatives of a query are keys of its own image", diagnosis.Evidence);
        Assert.Contains("earlier epochs", diagnosis.Cause);
        Assert.Contains("moco.queueSize to 199", diagnosis.Cure);
        // at an epoch's beginning a sound queue may have that for a moment
        Assert.Empty(DiagnosisRules.Apply(Config, 5000, [Line(0.03, 6, 0.9)]));
    }

    private static HealthLine Line(double contrast, double rank, double repeats) =>
        new(100, 1, 8, contrast, 0.03, new HealthFigures
        {
            EffectiveRank = rank,
            RepeatedImages = repeats,
            QueueFill = 0.8,
            FeatureDeviation = 0.5,
            ChanceLoss = Math.Log(4097),
        });
}
