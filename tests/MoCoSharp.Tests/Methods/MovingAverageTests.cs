using MoCoSharp.Kernels;
using MoCoSharp.Methods;
using TorchSharp;
using static TorchSharp.torch;

namespace MoCoSharp.Tests.Methods;

public sealed class MovingAverageTests
{
    [Theory]
    [InlineData(0)]
    [InlineData(0.3)]
    [InlineData(0.999)]
    [InlineData(1)]
    public void Update_KeepsTheShareOfTheOld(double momentum)
    {
        using var scope = NewDisposeScope();
        var averages = new[]
        {
            Golden.View(1, 0, float64, 3, 5),
            ChannelsLast.From(Golden.View(1, 1, float64, 4, 3, 3, 3)),
        };
        var newest = new[]
        {
            Golden.View(2, 0, float64, 3, 5),
            ChannelsLast.From(Golden.View(2, 1, float64, 4, 3, 3, 3)),
        };
        var expected = averages
            .Zip(newest, (average, value) => (momentum * average) + ((1 - momentum) * value))
            .ToList();

        MovingAverage.Update(averages, newest, momentum);

        Assert.All(
            averages.Zip(expected),
            pair => Assert.True(pair.First.allclose(pair.Second, rtol: 1e-12, atol: 1e-15)));
        if (momentum is 0 or 1)
        {
            // to the bit
            Assert.All(averages.Zip(expected), pair => Assert.True(pair.First.eq(pair.Second).all().item<bool>()));
        }
    }
}
