using MoCoSharp.Cli.Studies;

namespace MoCoSharp.Cli.Tests.Studies;

public sealed class SeedSpreadTests
{
    [Fact]
    public void ThreeSeeds_ByHand()
    {
        // 1, 2, 3: mean 2, deviation 1, and 4.303 / sqrt(3) either way.
        var spread = SeedSpread.Of([1, 2, 3]);
        Assert.Equal(2, spread.Mean, 12);
        Assert.Equal(1, spread.Deviation, 12);
        Assert.Equal(2.4843, spread.HalfInterval, 4);
    }

    [Theory]
    [InlineData(31, 2.042)] // 30 degrees of freedom
    [InlineData(61, 2.000)]
    [InlineData(121, 1.980)]
    public void ManySeeds_ComeNearTheNormalDistribution(int count, double quantile)
    {
        var spread = SeedSpread.Of([.. Enumerable.Range(0, count).Select(i => (double)(i % 2))]);
        Assert.Equal(quantile, spread.HalfInterval * Math.Sqrt(count) / spread.Deviation, 2);
    }

    [Fact]
    public void OneSeed_HasNoSpread() => Assert.Throws<ArgumentException>(() => SeedSpread.Of([1]));
}
