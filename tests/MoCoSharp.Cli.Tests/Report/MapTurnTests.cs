using MoCoSharp.Cli.Reports;

namespace MoCoSharp.Cli.Tests.Report;

/// <summary>A map is turned like another of the same images.</summary>
public sealed class MapTurnTests
{
    private static readonly float[] Model = [0, 0, 4, 0, 0, 1, 5, 7];

    [Fact]
    public void ATurnedMap_IsTurnedBack() =>
        // By 90 degrees, (x, y) becomes (-y, x); then everything moves by (10, 20).
        AssertPlaces(Model, MapTurn.Like([10, 20, 10, 24, 9, 20, 3, 25], Model));

    [Fact]
    public void AMirroredMap_IsMirroredBack() =>
        AssertPlaces(Model, MapTurn.Like([0, 0, -4, 0, 0, 1, -5, 7], Model));

    [Fact]
    public void ALargerMap_KeepsItsSize()
    {
        var turned = MapTurn.Like([-2, 0, 2, 0], [0, 1, 0, -1]);

        AssertPlaces([0, 2, 0, -2], turned); // turned by -90 degrees
    }

    [Fact]
    public void EqualPlaces_MoveToTheCenter() => AssertPlaces([1, 1, 1, 1], MapTurn.Like([3, 3, 3, 3], [0, 0, 2, 2]));

    private static void AssertPlaces(float[] expected, float[] actual) =>
        Assert.Equal(expected, actual, (a, b) => Math.Abs(a - b) < 1e-5);
}
