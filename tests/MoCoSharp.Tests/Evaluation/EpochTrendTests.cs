using MoCoSharp.Evaluation;

namespace MoCoSharp.Tests.Evaluation;

public sealed class EpochTrendTests
{
    [Fact]
    public void ALossAboveChanceThatRises_IsReported_WithBothNumbers()
    {
        var said = EpochTrend.Trouble([Epoch(1, 132), Epoch(2, 1400)], 100, 10);
        Assert.Contains("1400 after epoch 2", said);
        Assert.Contains("up from 132", said);
        Assert.Contains("2.30", said); // ln 10
    }

    [Fact]
    public void ALossAboveChanceAtTheEnd_IsReported() =>
        Assert.NotNull(EpochTrend.Trouble([Epoch(1, 1400), Epoch(2, 132)], 2, 10));

    [Theory]
    [InlineData(132, 12, 100)]  // falls, and has time
    [InlineData(1.2, 1.3, 100)] // rises, and knows something
    [InlineData(5, 2.2, 2)]     // ends below chance
    public void OtherLosses_AreNotReported(double first, double second, int epochs) =>
        Assert.Null(EpochTrend.Trouble([Epoch(1, first), Epoch(2, second)], epochs, 10));

    private static EpochScores Epoch(int number, double loss) => new(number, 30, loss, 0.1, 0.5);
}
