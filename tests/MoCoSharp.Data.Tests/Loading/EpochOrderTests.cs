using CsCheck;
using MoCoSharp.Data.Loading;

namespace MoCoSharp.Data.Tests.Loading;

public sealed class EpochOrderTests
{
    [Fact]
    public void Shuffled_IsAPermutationAndAPureFunction() =>
        Gen.Select(Gen.Int[0, 200], Gen.Long, Gen.Int[0, 1000]).Sample((count, seed, epoch) =>
        {
            var order = EpochOrder.Shuffled(count, seed, epoch);
            Assert.Equal(Enumerable.Range(0, count), order.Order());
            Assert.Equal(order, EpochOrder.Shuffled(count, seed, epoch));
        });

    [Fact]
    public void Shuffled_DiffersByEpochAndSeed()
    {
        var order = EpochOrder.Shuffled(50, 1, 1);
        Assert.NotEqual(order, EpochOrder.Shuffled(50, 1, 2));
        Assert.NotEqual(order, EpochOrder.Shuffled(50, 2, 1));
        Assert.NotEqual(Enumerable.Range(0, 50), order);
    }
}
