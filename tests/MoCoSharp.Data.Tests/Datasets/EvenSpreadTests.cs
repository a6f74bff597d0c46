using MoCoSharp.Data.Datasets;

namespace MoCoSharp.Data.Tests.Datasets;

/// <summary>Positions that are spread evenly over a list.</summary>
public sealed class EvenSpreadTests
{
    [Theory]
    [InlineData(0, 5)]
    [InlineData(5, 5)]
    [InlineData(5, 100)]
    public void AListThatIsShortEnough_IsTakenWhole(int count, int most) =>
        Assert.Equal(Enumerable.Range(0, count), EvenSpread.Of(count, most));

    [Theory]
    [InlineData(1000, 200)]
    [InlineData(1000, 999)]
    [InlineData(int.MaxValue, 1000)]
    [InlineData(7, 3)]
    public void EachOfEqualParts_HasOnePosition(int count, int most)
    {
        var positions = EvenSpread.Of(count, most);

        Assert.Equal(most, positions.Length);
        Assert.All(positions.Index(), item => Assert.InRange(
            item.Item, (long)item.Index * count / most, (((long)item.Index + 1) * count / most) - 1));
    }

    [Fact]
    public void ClassesInTurn_AreAllTaken_ThoughTheirNumberIsAMultipleOfTheDistance()
    {
        var perClass = EvenSpread.Of(1000, 200).CountBy(position => position % 10).ToList();

        Assert.Equal(10, perClass.Count);
        Assert.All(perClass, item => Assert.InRange(item.Value, 19, 21)); // 20 on average
    }
}
