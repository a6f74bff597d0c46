using MoCoSharp.Features;

namespace MoCoSharp.Tests.Features;

public sealed class PairedDifferenceTests
{
    // b + 0.5 = 30.5, c + 0.5 = 10.5, n + 2 = 102: center 20 / 102 = 0.19608,
    // variance (41 - 400 / 102) / 102^2 = 0.0035638, half width 1.95996 x 0.059698 = 0.11701.
    [Theory]
    [InlineData(30, 10, 100, 0.2, 0.0790723, 0.3130846)]
    [InlineData(12, 15, 100, -0.03, -0.1309294, 0.0721059)]
    [InlineData(0, 0, 50, 0, -0.0376916, 0.0376916)]
    public void TheInterval_IsThatOfAgrestiAndMin(
        int onlyFirst, int onlySecond, int count, double difference, double low, double high)
    {
        var paired = PairedDifference.Of(onlyFirst, onlySecond, count);

        Assert.Equal(difference, paired.Difference, 1e-12);
        Assert.Equal(low, paired.Low, 1e-7);
        Assert.Equal(high, paired.High, 1e-7);
    }

    [Fact]
    public void SwappedClassifiers_HaveTheMirroredInterval()
    {
        var (one, other) = (PairedDifference.Of(9, 2, 40), PairedDifference.Of(2, 9, 40));

        Assert.Equal((one.Low, one.High), (-other.High, -other.Low));
        Assert.True(one.IsBetter);
        Assert.True(other.IsWorse);
        Assert.False(other.IsBetter);
    }

    [Fact]
    public void OnlyQueriesOfBoth_AreCompared_WhateverTheirPlace()
    {
        var first = new KnnScore("first", [0, 1, 3, 4], [true, true, false, true]);
        var second = new KnnScore("second", [1, 2, 3, 4], [false, true, true, true]);

        // of the queries 1, 3 and 4: only the first is right on 1, only the second on 3
        Assert.Equal(PairedDifference.Of(1, 1, 3), PairedDifference.Of(first, second));
    }

    [Fact]
    public void ScoresWithoutACommonQuery_AreRefused()
    {
        var error = Assert.Throws<ArgumentException>(
            () => PairedDifference.Of(new KnnScore("a", [0], [true]), new KnnScore("b", [1], [true])));

        Assert.Contains("\"a\" and \"b\" have no query in common", error.Message);
    }

    // Of 200 pairs of classifiers that are equally good, about 5 % differ beyond the interval.
    [Fact]
    public void EqualClassifiers_SeldomDifferBeyondTheInterval()
    {
        var random = new Random(1);
        var beyond = 0;
        for (var trial = 0; trial < 200; trial++)
        {
            var (onlyFirst, onlySecond) = (0, 0);
            for (var query = 0; query < 300; query++)
            {
                var draw = random.NextDouble();
                onlyFirst += draw < 0.1 ? 1 : 0;
                onlySecond += draw > 0.9 ? 1 : 0;
            }

            var paired = PairedDifference.Of(onlyFirst, onlySecond, 300);
            beyond += paired.IsBetter || paired.IsWorse ? 1 : 0;
        }

        Assert.InRange(beyond, 2, 20);
    }
}
