using MoCoSharp.Distributed;
using MoCoSharp.Methods;
using MoCoSharp.Models;
using TorchSharp;
using static TorchSharp.torch;

namespace MoCoSharp.Tests.Methods;

public sealed class GradientCacheTests
{
    private static readonly EncoderOptions Narrow = new()
    {
        Depth = 18,
        Width = 4,
        Stem = EncoderStem.Cifar,
        Head = EncoderHead.MlpBn,
    };

    [Theory]
    [InlineData(4, false, false, 1e-10)]
    [InlineData(4, false, true, 1e-10)]
    [InlineData(1, false, false, 1e-10)]
    [InlineData(4, true, false, 1e-5)]
    public void TheCache_IsThePlainBatch_WithStatisticsByGroupInBoth(
        int groups, bool single, bool recompute, double tolerance)
    {
        using var scope = NewDisposeScope();
        var type = single ? float32 : float64;
        using var plain = Create(cached: false);
        using var cached = Create(cached: true);
        var (query, key) = (Golden.View(0, 0, type, 16, 3, 16, 16), Golden.View(0, 1, type, 16, 3, 16, 16));

        var expected = plain.call(query, key);
        plain.Backward(expected);
        var actual = cached.call(query, key);
        cached.Backward(actual);

        Assert.Equal(expected.Loss.to(float64).item<double>(), actual.Loss.to(float64).item<double>(), tolerance);
        var all = cached.LearnedParameters.Zip(plain.LearnedParameters).ToList();
        var length = Math.Sqrt(all.Sum(pair => Square(pair.Second.Parameter.grad!)));
        Assert.True(
            Math.Sqrt(all.Sum(pair => Square(pair.First.Parameter.grad! - pair.Second.Parameter.grad!))) / length
                < tolerance);
        foreach (var (name, buffer) in cached.named_buffers())
        {
            // running statistics moved once, and the counters by 1
            Assert.True(Golden.Difference(buffer, plain.state_dict()[name]) < tolerance, name);
        }

        SimClr Create(bool cached)
        {
            var method = SimClr.Create(
                Narrow with
                {
                    ActivationCheckpointing = recompute,
                },
                new SimClrOptions { Dimension = 8, GradientCache = cached },
                groups,
                seed: 5,
                SingleProcess.Instance);
            method.to(type);
            method.train();
            return method;
        }

        static double Square(Tensor values) => values.to(float64).pow(2).sum().item<double>();
    }

    [Fact]
    public void OtherGroups_AreAnotherComputation()
    {
        using var scope = NewDisposeScope();
        var losses = new[] { 1, 4 }.Select(groups =>
        {
            using var method = SimClr.Create(
                Narrow,
                new SimClrOptions { Dimension = 8, GradientCache = true },
                groups,
                seed: 5,
                SingleProcess.Instance);
            method.train();
            return method
                .call(Golden.View(0, 0, float32, 16, 3, 16, 16), Golden.View(0, 1, float32, 16, 3, 16, 16))
                .Loss.item<float>();
        }).ToList();

        Assert.NotEqual(losses[0], losses[1], 1e-3f);
    }

    [Fact]
    public void ABackwardPass_WithoutABatch_IsRefused()
    {
        using var random = new Generator(0);
        using var encoder = new Encoder(Narrow, 8, 2, random);
        using var cache = new GradientCache(encoder, 2);
        Assert.Throws<InvalidOperationException>(cache.Backward);
    }
}
