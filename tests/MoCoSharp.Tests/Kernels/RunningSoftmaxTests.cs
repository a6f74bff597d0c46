using System.Runtime.Intrinsics;
using MoCoSharp.Kernels;
using TorchSharp;
using static TorchSharp.torch;

namespace MoCoSharp.Tests.Kernels;

public sealed class RunningSoftmaxTests
{
    [Fact]
    public void Exp_IsWithinTwoUnitsInTheLastPlace_FromZeroToTheLeastNormalNumber()
    {
        for (var i = 0; i <= 1_000_000; i++)
        {
            var x = -87.3f * i / 1_000_000;

            var value = RunningSoftmax.Exp(Vector512.Create(x))[i % 16];

            var expected = Math.Exp(x);
            var unit = MathF.BitIncrement((float)expected) - (float)expected; // in the last place
            Assert.True(Math.Abs(value - expected) <= 2 * unit, $"exp({x}) is {value}, expected {expected}");
        }

        Assert.Equal(1, RunningSoftmax.Exp(Vector512.Create(0f))[0]);
        Assert.Equal(0, RunningSoftmax.Exp(Vector512.Create(-88f))[0]);
        Assert.Equal(0, RunningSoftmax.Exp(Vector512.Create(float.NegativeInfinity))[0]);
        Assert.True(float.IsNaN(RunningSoftmax.Exp(Vector512.Create(float.NaN))[0]));
    }

    [Theory]
    [InlineData(1, ScalarType.Float32)]
    [InlineData(15, ScalarType.Float32)]
    [InlineData(16, ScalarType.Float32)]
    [InlineData(17, ScalarType.Float32)]
    [InlineData(1000, ScalarType.Float32)]
    [InlineData(1, ScalarType.BFloat16)]
    [InlineData(33, ScalarType.BFloat16)]
    [InlineData(1000, ScalarType.BFloat16)]
    public void BlocksOfAnyWidth_GiveTheSoftmaxOfAll(int width, ScalarType type)
    {
        using var scope = NewDisposeScope();
        using var random = new Generator(1);
        var blocks = Enumerable.Range(0, 3) // later ones reach higher
            .Select(i => randn([5, width], generator: random).mul(3f + i).to(type)).ToArray();
        var positive = randn([5, 1], generator: random);
        var (highest, total, weightedKeys, nearer) = (positive.clone(), ones(5, 1), ones(5, 2), zeros(5, 1));

        var weights = blocks.Select(block =>
        {
            var own = block.clone();
            RunningSoftmax.Update(own, highest, total, weightedKeys, positive, nearer);
            return (Weights: own.to(float64), Highest: highest.clone().to(float64));
        }).ToArray();

        var all = cat(blocks, dim: 1).to(float64);
        var top = cat([positive.to(float64), all], dim: 1).amax([1], keepdim: true);
        Assert.True((highest.to(float64) - top).abs().max().item<double>() == 0);
        var sums = cat([positive.to(float64), all], dim: 1).sub(top).exp().sum([1L], keepdim: true);
        Assert.True((total.to(float64) / sums - 1).abs().max().item<double>() < 1e-5);
        var shrunk = positive.to(float64).sub(top).exp(); // as often as the highest rose
        Assert.True((weightedKeys.to(float64) - shrunk).abs().max().item<double>() < 1e-6);
        var above = all.gt(positive.to(float64)).sum(1, keepdim: true);
        Assert.True((nearer.to(float64) - above).abs().max().item<double>() == 0);
        foreach (var (block, (given, reached)) in blocks.Zip(weights))
        {
            var off = (given - block.to(float64).sub(reached).exp()).abs().max().item<double>();
            Assert.True(off < (type == ScalarType.Float32 ? 1e-6 : 1 / 256.0), $"off by {off}");
        }
    }

    [Theory]
    [InlineData(float.NaN)]
    [InlineData(float.PositiveInfinity)]
    public void ALogitThatIsNoNumber_IsNotSmoothedOver(float wrong)
    {
        using var scope = NewDisposeScope();
        var logits = zeros(1, 20);
        logits[0, 18] = wrong;
        var total = ones(1, 1);

        RunningSoftmax.Update(logits, zeros(1, 1), total, ones(1, 2), zeros(1, 1), null);

        Assert.True(float.IsNaN(total.item<float>()));
    }
}
